"""The sealed chart that Helm installs."""

import json

import yaml

from bot.runners.kubernetes.charts import sealed

BODY = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "metadata": {"name": "x"},
    "data": {"{{ .Values }}": '{{ "a" }} }} {{{', "nested": {"a": {"b": {}}}},
}


def test_a_sealed_chart_contains_no_template_and_renders_unchanged() -> None:
    found = sealed("shop", "0.1.0+abc", [BODY, BODY])

    assert "{{" not in found["templates/all.yaml"]
    assert list(yaml.safe_load_all(found["templates/all.yaml"])) == [BODY, BODY]
    assert json.loads(found["Chart.yaml"])["name"] == "shop"
