import pytest

from bot.runners.kubernetes.pure import manifests
from bot.runners.kubernetes.pure.manifests import ManifestError, marked, ordered, read

SERVICE = "{apiVersion: v1, kind: Service, metadata: {name: web, labels: {tier: front}}}"
DEPLOYMENT = "{apiVersion: apps/v1, kind: Deployment, metadata: {name: web}}"


def test_documents_and_lists_become_objects() -> None:
    listed = f"---\n---\napiVersion: v1\nkind: List\nitems: [{SERVICE}, {DEPLOYMENT}]\n---\n{DEPLOYMENT}"

    found = read(listed)

    assert [str(each) for each in found] == ["Service/web", "Deployment/web", "Deployment/web"]
    assert found[0].known is manifests.SERVICE
    assert found[0].body["metadata"]["labels"] == {"tier": "front"}


def test_a_kind_is_recognized_only_in_its_known_version() -> None:
    assert read("{apiVersion: extensions/v1beta1, kind: Ingress, metadata: {name: x}}")[0].known is None


def test_dependencies_are_applied_first() -> None:
    found = ordered(read(f"{DEPLOYMENT}\n---\n{SERVICE}"))

    assert [each.kind for each in found] == ["Service", "Deployment"]
    unknown = read("{apiVersion: x/v1, kind: Y, metadata: {name: z}}")
    assert ordered(unknown) == unknown


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("a: [", "line 1, column 5: expected the node content"),
        ("- just\n- a list", "not an object"),
        ("{kind: Service, metadata: {name: x}}", "lacks"),
        ("{apiVersion: v1, kind: Service, metadata: nothing}", "lacks"),
        ("{apiVersion: v1, kind: Service, metadata: {name: ''}}", "lacks"),
        ("!!python/object/apply:os.system [id]", "could not determine a constructor"),
        ("x: " + "[" * 3000, "nested"),
        ("x: &x [*x]", "nested"),
        ("# " + "x" * (1 << 20), "more than 512 KiB"),
        ("\n---\n".join([SERVICE] * 101), "more than 100 objects"),
        ("x: 2026-13-45", "month"),
        ('x: !!int ""', "the form that its type requires"),
    ],
)
def test_unreadable_manifests_are_reported(text: str, why: str) -> None:
    with pytest.raises(ManifestError, match=why):
        read(text)


def test_aliases_cannot_multiply_the_size() -> None:
    bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 9)
    )

    with pytest.raises(ManifestError, match="more than 50000 values"):
        read(bomb)


def test_values_become_json_values() -> None:
    text = f"{SERVICE[:-1]}, 1: 2026-01-02, list: [1, true, null]}}"

    assert read(text)[0].body["1"] == "2026-01-02"
    assert read(text)[0].body["list"] == [1, True, None]


def test_labels_are_added_without_losing_existing_ones() -> None:
    body = marked(read(SERVICE)[0], {"chatops.run": "7", "tier": "ours"}, "pr-12")

    assert body["metadata"] == {
        "name": "web",
        "labels": {"tier": "ours", "chatops.run": "7"},
        "namespace": "pr-12",
    }
    assert marked(read(DEPLOYMENT)[0], {"a": "1"}, "x")["metadata"]["labels"] == {"a": "1"}


def test_paths_of_the_api() -> None:
    assert manifests.POD.path("pr-12") == "/api/v1/namespaces/pr-12/pods"
    assert manifests.JOB.path("pr-12", "x") == "/apis/batch/v1/namespaces/pr-12/jobs/x"


def test_hooks_are_recognized_by_their_annotation() -> None:
    hook = "{apiVersion: v1, kind: X, metadata: {name: x, annotations: {helm.sh/hook: pre-install}}}"
    plain = "{apiVersion: v1, kind: X, metadata: {name: x}}"
    other = "{apiVersion: v1, kind: X, metadata: {name: x, annotations: {a: b}}}"

    assert [read(text)[0].is_hook for text in (hook, plain, other)] == [True, False, False]


def test_objects_have_paths_in_a_namespace_and_everywhere() -> None:
    assert manifests.SERVICE.path("shop") == "/api/v1/namespaces/shop/services"
    assert manifests.SERVICE.path("shop", "web") == "/api/v1/namespaces/shop/services/web"
    assert manifests.DEPLOYMENT.everywhere == "/apis/apps/v1/deployments"


@pytest.mark.parametrize("number", [".nan", ".inf", "-.inf", "36893488147419103232", "1.0e+300"])
def test_numbers_that_a_server_cannot_store_are_refused(number: str) -> None:
    with pytest.raises(ManifestError, match="not finite, or larger than 64 bits"):
        read(f"x: {number}")
