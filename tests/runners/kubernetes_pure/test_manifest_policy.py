"""What honest manifests may contain, what operators may add, and what the policy sets.

What it refuses is in `tests/attack/manifests` and in `test_pod_security_standards.py`.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bot.core.admission.images import ImagePolicy
from bot.model.reason import Reason
from bot.runners.kubernetes.pure.field_rules import AllowList, ManifestScope
from bot.runners.kubernetes.pure.manifest_policy import MOST_SHOWN, Review, review
from bot.runners.kubernetes.pure.manifests import Manifest, read

HOST = "pr-12-shop.example.com"
SCOPE = ManifestScope("pr-12-shop", HOST, frozenset({"chatops-pull"}), ingress_class="traefik")
ORDINARY = sorted((Path(__file__).parent / "ordinary").glob("*.yaml"))


def obj(kind: str, api: str = "v1", **rest: Any) -> Manifest:
    body = {"apiVersion": api, "kind": kind, "metadata": {"name": "web"}, **rest}
    return read(json.dumps(body))[0]


def deployment(pod: dict[str, Any] | None = None, container: dict[str, Any] | None = None) -> Manifest:
    spec = {"containers": [{"name": "c", "image": "x", **(container or {})}], **(pod or {})}
    return obj("Deployment", "apps/v1", spec={"template": {"spec": spec}})


def refused(*manifests: Manifest, scope: ManifestScope = SCOPE) -> list[str]:
    return [each.what for each in review(manifests, scope).violations]


def pod_of(found: Review) -> dict[str, Any]:
    spec: dict[str, Any] = found.manifests[0].body["spec"]["template"]["spec"]
    return spec


@pytest.mark.parametrize("file", ORDINARY, ids=lambda file: str(file.stem))
def test_ordinary_manifests_are_allowed(file: Path) -> None:
    found = review(read(file.read_text("utf-8")), SCOPE)

    assert found.violations == ()
    assert found.changes
    again = review(found.manifests, SCOPE)
    assert (again.manifests, again.violations, again.changes) == (found.manifests, (), ())


def test_changes_are_one_line_per_object() -> None:
    account = obj("ServiceAccount", automountServiceAccountToken=True)
    autoscaler = obj("HorizontalPodAutoscaler", "autoscaling/v2")

    assert review([account, autoscaler, obj("ConfigMap")], SCOPE).changes == (
        "changed ServiceAccount/web: automountServiceAccountToken: false instead of true",
        "skipped HorizontalPodAutoscaler/web",
    )


def test_a_pod_without_a_user_gets_the_operators() -> None:
    scope = ManifestScope("pr-12-shop", HOST, run_as_user=1000)

    assert pod_of(review([deployment()], scope))["securityContext"]["runAsUser"] == 1000
    own = deployment({"securityContext": {"runAsUser": 999}})
    assert pod_of(review([own], scope))["securityContext"]["runAsUser"] == 999
    assert "runAsUser" not in pod_of(review([deployment()], SCOPE))["securityContext"]


def test_an_account_without_pull_secrets_gets_the_bots() -> None:
    scope = ManifestScope("pr-12-shop", HOST, pull_secret="chatops-pull")
    own = obj("ServiceAccount", imagePullSecrets=[{"name": "ours"}])

    found = [
        each.body.get("imagePullSecrets") for each in review([obj("ServiceAccount"), own], scope).manifests
    ]

    assert found == [[{"name": "chatops-pull"}], [{"name": "ours"}]]
    assert "imagePullSecrets" not in review([obj("ServiceAccount")], SCOPE).manifests[0].body


def test_baseline_allows_root_and_fills_in_less() -> None:
    baseline = ManifestScope("pr-12-shop", HOST, level="baseline")
    root = deployment({"securityContext": {"runAsUser": 0, "runAsNonRoot": False}})

    [violation, _] = review([root], SCOPE).violations
    assert violation.reason is Reason.MANIFEST_UNLISTED
    assert violation.facts["setting"] == '[kubernetes] pod_security = "baseline"'
    assert refused(root, scope=baseline) == []
    assert pod_of(review([root], baseline))["containers"] == [
        {"name": "c", "image": "x", "securityContext": {"allowPrivilegeEscalation": False}}
    ]


def ingress(**annotations: str) -> Manifest:
    return obj("Ingress", "networking.k8s.io/v1", metadata={"name": "web", "annotations": annotations})


CORS = "nginx.ingress.kubernetes.io/enable-cors"


def test_the_operator_allows_annotations_and_labels() -> None:
    allowed = AllowList(
        annotations=("nginx.ingress.kubernetes.io/*", "!*snippet"), labels=("example.com/team",)
    )
    scope = ManifestScope("pr-12-shop", HOST, allowed=allowed)
    labelled = obj("ConfigMap", metadata={"name": "web", "labels": {"example.com/team": "a", "x": "y"}})

    [violation] = review([ingress(**{CORS: "true"})], SCOPE).violations
    assert violation.facts["setting"] == f'[kubernetes] allowed_annotations = ["{CORS}"]'
    assert refused(ingress(**{CORS: "true"}), scope=scope) == []
    assert refused(ingress(**{"nginx.ingress.kubernetes.io/x-snippet": "y"}), scope=scope) != []
    assert refused(labelled, scope=scope) == ["metadata.labels.x: y"]


def test_the_operators_own_annotations_may_be_repeated() -> None:
    issuer = {"cert-manager.io/cluster-issuer": "internal"}
    scope = ManifestScope("pr-12-shop", HOST, ingress_annotations=issuer)

    assert refused(ingress(**issuer), scope=scope) == []
    assert refused(ingress(**{"cert-manager.io/cluster-issuer": "production"}), scope=scope) == [
        "metadata.annotations[cert-manager.io/cluster-issuer]: production"
    ]


@pytest.mark.parametrize(
    ("chosen", "applied"), [("fast", {"storageClassName": "fast"}), ("other", {}), ("", {})]
)
def test_a_storage_class_is_one_that_the_operator_lists(chosen: str, applied: dict[str, str]) -> None:
    scope = ManifestScope("pr-12-shop", HOST, allowed=AllowList(storage_classes=("fast",)))
    claim = obj("PersistentVolumeClaim", spec={"storageClassName": chosen})

    assert review([claim], scope).manifests[0].body["spec"] == applied


def test_images_are_the_repositorys_own_the_operators_bases_and_those_of_other_registries() -> None:
    policy = ImagePolicy("harbor.example.com", "chatops", ("harbor.example.com/base/*",))
    own = "harbor.example.com/chatops/acme/shop"
    scope = ManifestScope("pr-12-shop", HOST, images=policy, own_images=(own, f"{own}/api"))
    used = (
        "harbor.example.com/chatops/acme/shop:1",
        "harbor.example.com/chatops/acme/shop/api@sha256:00",
        "harbor.example.com/base/postgres:16",
        "redis",
        "quay.io/a/b",
    )

    for image in used:
        assert refused(deployment(container={"image": image}), scope=scope) == []
    for other in ("shop/web:1", "shop/api/x:1", "shop/api-2:1", "shop-2/api:1"):
        image = f"harbor.example.com/chatops/acme/{other}"
        assert len(review([deployment(container={"image": image})], scope).violations) == 1
    [violation] = review([deployment(container={"image": "harbor.example.com/x/y:1"})], scope).violations
    assert violation.facts["setting"] == '[registry] bases = ["harbor.example.com/x/y"]'


@pytest.mark.parametrize("theirs", ["public", "", None])
@pytest.mark.parametrize(("operators", "applied"), [("traefik", {"ingressClassName": "traefik"}), ("", {})])
def test_the_class_of_an_ingress_is_the_operators(
    theirs: str | None, operators: str, applied: dict[str, str]
) -> None:
    manifest = obj("Ingress", "networking.k8s.io/v1", spec={"ingressClassName": theirs})

    found = review([manifest], ManifestScope("pr-12-shop", HOST, ingress_class=operators))

    assert found.manifests[0].body["spec"] == applied


MAPPING = {"a": 1}
WRONG_TYPES = [
    obj("ConfigMap", metadata={"name": "x", "labels": "text"}),
    obj("Ingress", "networking.k8s.io/v1", spec={"tls": [{"hosts": 1}]}),
    obj("Ingress", "networking.k8s.io/v1", spec={"rules": ["x"]}),
    obj(
        "Ingress", "networking.k8s.io/v1", spec={"rules": [{"host": HOST, "http": {"paths": [{"path": 1}]}}]}
    ),
    deployment({"volumes": [{"name": "v", "secret": {"secretName": MAPPING}}]}),
    deployment({"volumes": MAPPING}),
    deployment(container={"env": [{"name": "P", "valueFrom": {"secretKeyRef": {"name": MAPPING}}}]}),
    deployment(container={"securityContext": {"procMount": MAPPING}}),
    deployment(container={"securityContext": {"capabilities": {"add": [MAPPING]}}}),
    deployment(container={"securityContext": {"runAsUser": True}}),
]


@pytest.mark.parametrize("manifest", WRONG_TYPES, ids=range(len(WRONG_TYPES)))
def test_a_value_of_a_wrong_type_is_refused(manifest: Manifest) -> None:
    assert len(refused(manifest)) == 1


WRONG: tuple[Any, ...] = (True, "", [["x"]], {}, {"x": {"y": "z"}})


def mutants(node: Any) -> Iterator[Any]:
    """Yield a tree with each of its values replaced by each wrong one."""
    yield from WRONG
    parts = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, child in parts:
        changed = node.copy()
        for other in mutants(child):
            changed[key] = other
            yield changed


@pytest.mark.parametrize("file", ORDINARY, ids=lambda file: str(file.stem))
def test_any_value_in_any_place_is_reviewed(file: Path) -> None:
    for manifest in read(file.read_text("utf-8")):
        for name in manifest.body.keys() - {"metadata"}:
            for value in mutants(manifest.body[name]):
                changed = Manifest(manifest.api_version, manifest.kind, "web", {**manifest.body, name: value})
                found = review([changed], SCOPE)
                assert review(found.manifests, SCOPE).changes == (), value


def test_explicit_nothing_is_the_same_as_nothing() -> None:
    nothing: dict[str, Any] = {
        "securityContext": None,
        "volumes": None,
        "nodeName": "",
        "tolerations": [],
        "runtimeClassName": None,
    }

    found = review([deployment(nothing), obj("Service", spec={"clusterIP": "", "type": None})], SCOPE)

    assert found.violations == ()
    assert "volumes" not in pod_of(found)


def test_values_and_names_in_a_refusal_have_a_readable_length() -> None:
    long = obj("ConfigMap", metadata={"name": "x", "annotations": {"x" * 1000: "y" * 1000}})

    [violation] = review([long], SCOPE).violations
    [unknown] = review([obj("x" * 1000, "y" * 1000)], SCOPE).violations

    assert len(violation.what) < 300
    assert len(unknown.subject + unknown.what) < 300


@pytest.mark.attack
def test_a_name_with_lines_of_its_own_is_shown_on_one_line_and_not_suggested() -> None:
    hostile = ingress(**{'x"]\ncharts = ["*': "a\u202eb"})

    [violation] = review([hostile], SCOPE).violations

    assert violation.reason is Reason.MANIFEST_REFUSED
    assert violation.what == r'metadata.annotations["x\"]\ncharts = [\"*"]: "a\u202eb"'


def test_every_violation_names_its_object_and_how_to_correct_it() -> None:
    found = review([obj("Namespace"), deployment({"hostIPC": True, "nodeName": "n"})], SCOPE).violations

    assert [each.reason for each in found] == [
        Reason.MANIFEST_VALUE_REFUSED,
        Reason.MANIFEST_VALUE_REFUSED,
        Reason.MANIFEST_REFUSED,
    ]
    assert found[0].facts["allowed"].startswith("v1 ConfigMap, v1 Secret")
    assert str(found[1]) == "Deployment/web: spec.template.spec.hostIPC: true (allowed: false)"
    assert found[2].facts == {"object": "Deployment/web", "what": "spec.template.spec.nodeName: n"}


def test_only_the_first_violations_are_returned() -> None:
    many = obj(
        "ConfigMap", metadata={"name": "x", "annotations": {f"a/{number}": "x" for number in range(99)}}
    )

    assert len(review([many], SCOPE).violations) == MOST_SHOWN
