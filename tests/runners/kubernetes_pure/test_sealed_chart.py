import json

import yaml

from bot.runners.kubernetes.pure.manifests import read
from bot.runners.kubernetes.pure.sealed_chart import files, is_hook

BODY = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "metadata": {"name": "x"},
    "data": {"{{ .Values }}": '{{ "a" }} }} {{{', "nested": {"a": {"b": {}}}},
}


def test_nothing_in_a_sealed_chart_is_a_template_and_nothing_changes() -> None:
    found = files("shop", "0.1.0+abc", [BODY, BODY])

    assert "{{" not in found["templates/all.yaml"]
    assert list(yaml.safe_load_all(found["templates/all.yaml"])) == [BODY, BODY]
    assert json.loads(found["Chart.yaml"])["name"] == "shop"


def test_hooks_are_known_by_their_annotation() -> None:
    hook = "{apiVersion: v1, kind: X, metadata: {name: x, annotations: {helm.sh/hook: pre-install}}}"
    plain = "{apiVersion: v1, kind: X, metadata: {name: x}}"
    other = "{apiVersion: v1, kind: X, metadata: {name: x, annotations: {a: b}}}"

    assert [is_hook(read(text)[0]) for text in (hook, plain, other)] == [True, False, False]
