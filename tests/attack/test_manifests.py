"""Attacks by manifests: each is refused by its field, or applied without the trick.

The tables are in `manifests/`, a line or a few for each trick.
"""

import copy
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.core.admission.images import ImagePolicy
from bot.model.errors import TellUser
from bot.model.reason import Reason
from bot.model.text import Language
from bot.runners.kubernetes import applying
from bot.runners.kubernetes.options import KubernetesOptions, Routing
from bot.runners.kubernetes.plans import parsed, scope_of
from bot.runners.kubernetes.pure.manifests import read
from bot.words.reasons import REASONS
from tests.runners.kubernetes_samples import environment_of

TABLES = Path(__file__).with_name("manifests")
OPTIONS = KubernetesOptions(
    "bot", routing=Routing(ingress_class="internal"), images=ImagePolicy("registry.example.com", "acme")
)
SCOPE = scope_of(OPTIONS, "pr-12-shop", environment_of())

Case = dict[str, Any]
POD = {"spec": {"containers": [{"name": "c", "image": "x"}]}}
BODIES: Mapping[str, Case] = {
    "ConfigMap": {"apiVersion": "v1"},
    "Secret": {"apiVersion": "v1"},
    "ServiceAccount": {"apiVersion": "v1"},
    "PersistentVolumeClaim": {"apiVersion": "v1", "spec": {"accessModes": ["ReadWriteOnce"]}},
    "Service": {"apiVersion": "v1", "spec": {"ports": [{"port": 80}]}},
    "Deployment": {"apiVersion": "apps/v1", "spec": {"template": POD}},
    "StatefulSet": {"apiVersion": "apps/v1", "spec": {"template": POD}},
    "Job": {"apiVersion": "batch/v1", "spec": {"template": POD}},
    "CronJob": {"apiVersion": "batch/v1", "spec": {"jobTemplate": {"spec": {"template": POD}}}},
    "Ingress": {"apiVersion": "networking.k8s.io/v1", "spec": {}},
}
SHORT = {
    "pod": "spec.template.spec",
    "container": "spec.template.spec.containers[c]",
    "template": "spec.template.metadata",
}
NOT_SET = ("kind", "refused", "changed", "annotation", "label", "value", "where")


def table(name: str) -> Any:
    return yaml.safe_load((TABLES / f"{name}.yaml").read_text("utf-8"))


def tricks() -> Iterator[Any]:
    for file in ("pods", "containers", "objects", "metadata"):
        for trick, case in table(file).items():
            yield pytest.param(*_prepared(case), id=f"{file}: {trick}")
    for trick in table("kinds"):
        api_version, kind = trick.split()
        text = json.dumps({"apiVersion": api_version, "kind": kind, "metadata": {"name": "web"}})
        yield pytest.param(
            text, f"{kind}/web", f"apiVersion: {api_version}, kind: {kind}", id=f"kinds: {trick}"
        )


def _prepared(case: Case) -> tuple[str, str, str]:
    """Return the manifest, its object and the field that refuses it."""
    if "text" in case:
        return case["text"], case["object"], case["refused"]
    path = ""
    for what in ("annotation", "label"):
        if what in case:
            case.setdefault("kind", "Deployment" if "where" in case else "Ingress")
            where = "spec.template.metadata" if "where" in case else "metadata"
            case[f"{where}.{what}s"] = {case[what]: case.get("value", "x")}
            path = f"{where}.{what}s{_key(case[what])}"
            case.setdefault("refused", f"{what}: {case.get('value', 'x')}")
            case["refused"] = case["refused"].replace(f"{what}:", f"{path}:", 1)
    body = _body(case)
    return json.dumps(body), f"{body['kind']}/{body['metadata']['name']}", _long(case["refused"])


def _key(name: str) -> str:
    return f"[{name}]" if "." in name or "/" in name else f".{name}"


def _body(case: Case) -> Case:
    kind = case.get("kind", "Deployment")
    body = {"kind": kind, "metadata": {"name": "web"}, **copy.deepcopy(BODIES[kind])}
    for path, value in case.items():
        if path not in NOT_SET:
            _put(body, _long(path).replace("[c]", ".0").split("."), value)
    return body


def _put(node: Any, path: list[str], value: Any) -> None:
    for part in path[:-1]:
        node = node[int(part)] if isinstance(node, list) else node.setdefault(part, {})
    node[path[-1]] = value


def _long(path: str) -> str:
    first, separator, rest = path.partition(".")
    return f"{SHORT.get(first, first)}{separator}{rest}"


@pytest.mark.parametrize(("text", "subject", "field"), list(tricks()))
def test_a_hostile_manifest_is_refused_by_its_field(text: str, subject: str, field: str) -> None:
    with pytest.raises(TellUser) as caught:
        applying.check(read(text), SCOPE)

    error = caught.value
    assert (error.facts["object"], error.facts["what"]) == (subject, field)
    assert f"{subject}: {field}" in error.log
    for language, verbs in ((Language.EN, ("Remove", "Correct")), (Language.ZH, ("去掉", "改正"))):
        said = "".join(part.value for part in REASONS[error.reason].say(error.facts, language))
        advice = "".join(part.value for part in REASONS[error.reason].advise(error.facts, language))
        assert subject in said
        assert field in said
        assert any(verb in advice for verb in verbs)
        assert error.facts.get("allowed", "").split(", ")[0] in said
        assert error.facts.get("setting", "") in advice


VALUES = {
    "hexadecimal": "0x" + "f" * 5_000,
    "sexagesimal": "1" + ":59" * 5_000,
    "sexagesimal fraction": "1" + ":59" * 500 + ".5",
    "infinite": "-.inf",
    "no number": ".nan",
    "boolean": "!!bool x",
    "number": '!!int ""',
    "date": "!!timestamp x",
    "character": '"\\UFFFFFFFF"',
    "character beyond Unicode": '"\\U00110000"',
}
PLACES = {
    "data": "{apiVersion: v1, kind: ConfigMap, metadata: {name: a}, data: {a: VALUE}}",
    "name": "{apiVersion: v1, kind: ConfigMap, metadata: {name: VALUE}}",
    "replicas": "{apiVersion: apps/v1, kind: Deployment, metadata: {name: a}, spec: {replicas: VALUE}}",
    "unknown": "{apiVersion: v1, kind: ConfigMap, metadata: {name: a}, field: VALUE}",
}


@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)
@pytest.mark.parametrize("value", VALUES.values(), ids=VALUES)
def test_a_value_that_kubernetes_cannot_store_is_refused(value: str, place: str) -> None:
    with pytest.raises(TellUser) as caught:
        parsed("a.yaml", place.replace("VALUE", value))

    assert caught.value.reason is Reason.MANIFEST_INVALID
    assert len(caught.value.facts["message"]) < 100


def changed() -> Iterator[Any]:
    for trick, case in table("changed").items():
        text = case["text"] if "text" in case else json.dumps(_body(case))
        yield pytest.param(text, [_long(each) for each in case["changed"]], id=trick)


@pytest.mark.parametrize(("text", "lines"), list(changed()))
def test_a_trick_is_removed_and_the_log_says_so(text: str, lines: list[str]) -> None:
    found = applying.check(read(text), SCOPE)

    for line in lines:
        assert line in "\n".join(found.changes)
    again = applying.check(found.manifests, SCOPE)
    assert (again.manifests, again.changes) == (found.manifests, ())


def test_the_log_of_a_manifest_that_is_all_violations_is_short() -> None:
    labels = "".join(f'"example.com/{number}": x, ' for number in range(3_000))
    text = f"{{apiVersion: v1, kind: ConfigMap, metadata: {{name: a, annotations: {{{labels}}}}}}}"

    with pytest.raises(TellUser) as caught:
        applying.check(read(text), SCOPE)

    assert caught.value.log.count("\n") < 100
