"""The two namespaces of an environment: what a run creates, keeps and removes there, and what not."""

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from bot.core import naming
from bot.core.naming import LABEL_DATA
from bot.model.environment import Endpoint
from bot.model.errors import Overtaken, TellUser
from bot.model.holder import LAST, Holder
from bot.runners.kubernetes.cluster import ClusterAccess
from bot.runners.kubernetes.helm import Helm
from bot.runners.kubernetes.options import KubernetesOptions
from bot.runners.kubernetes.platform import KubernetesPlatform
from bot.runners.kubernetes.pure import cluster_labels, part_claims, part_secrets
from bot.runners.kubernetes.pure.cluster_labels import LABEL_ROLE
from bot.runners.kubernetes.pure.manifests import CLAIM, INGRESS, SECRET, SERVICE, ObjectKind
from bot.runners.kubernetes.pure.slots import STARTING
from bot.runners.kubernetes.rollout import Rollout
from bot.sandbox.process import ProcessSandbox
from tests.fakes.log import FakeLog
from tests.runners.kubernetes_samples import KEY, SHA, environment_of
from tests.runners.kubernetes_script import Object, carries, without_pauses
from tests.runners.test_kubernetes_cluster import serving

OPTIONS = KubernetesOptions("bot")
FIRST, SECOND = (
    naming.namespace(KEY, OPTIONS.prefix, OPTIONS.instance, second=second) for second in (False, True)
)
SPACES = "/api/v1/namespaces"


def run_labels(run: int, attempt: int = 0) -> dict[str, str]:
    return cluster_labels.all_of("bot", KEY, naming.labels(KEY, sha=SHA, run=run, attempt=attempt))


@dataclass
class Api:
    """An API server that keeps objects by path; what is in a namespace goes with it."""

    objects: dict[str, Object] = field(default_factory=dict)

    def space(self, name: str, run: int, **labels: str) -> None:
        """Create a namespace that a run has deployed."""
        notes = {naming.LABEL_REPO: str(KEY.repo), naming.LABEL_ENVIRONMENT: KEY.name}
        found = {"labels": {**run_labels(run), **labels}, "annotations": notes}
        self._put(f"{SPACES}/{name}", {"metadata": {"name": name, **found}})

    def put(self, kind: ObjectKind, space: str, name: str, run: int, role: str) -> None:
        """Create an object of a run in a namespace."""
        metadata = {"name": name, "labels": {**run_labels(run), LABEL_ROLE: role}}
        body: Object = {"metadata": metadata, "spec": {"clusterIP": "10.0.0.1", "ports": [{"port": 80}]}}
        self._put(kind.path(space, name), body)

    @property
    def spaces(self) -> dict[str, str]:
        """The runs of namespaces, by name."""
        found = [one for path, one in self.objects.items() if path.count("/") == SPACES.count("/") + 1]
        return {one["metadata"]["name"]: one["metadata"]["labels"][naming.LABEL_RUN] for one in found}

    def names(self, kind: ObjectKind, space: str) -> set[str]:
        """Return the names of a kind's objects in a namespace."""
        begin = f"{kind.path(space)}/"
        return {path.removeprefix(begin) for path in self.objects if path.startswith(begin)}

    def labels(self, space: str) -> dict[str, str]:
        """Return the labels of a namespace."""
        return dict(self.objects[f"{SPACES}/{space}"]["metadata"]["labels"])

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answer as an API server does."""
        path = request.path
        if request.method == "POST":
            body = await request.json()
            return web.json_response(self._put(f"{path}/{body['metadata']['name']}", body))
        if request.method == "PATCH":
            changes = json.loads(await request.text())
            return web.json_response(self._put(path, merged(self.objects.get(path, {}), changes)))
        if request.method == "DELETE":
            self.objects = {
                name: one for name, one in self.objects.items() if not f"{name}/".startswith(f"{path}/")
            }
            return web.json_response({})
        inside = path.partition("/namespaces")[2].count("/")
        if inside % 2:
            found = self.objects.get(path)
            return web.json_response(found or {"message": "not found"}, status=200 if found else 404)
        items = [one for name, one in self.objects.items() if name.rpartition("/")[0] == path]
        return web.json_response({"items": [one for one in items if carries(one, request)]})

    def _put(self, path: str, body: Object) -> Object:
        known = {"uid": f"uid-of-{path}", "creationTimestamp": "2026-03-01T12:00:00Z", "resourceVersion": "1"}
        self.objects[path] = {**body, "metadata": {**known, **body["metadata"]}}
        return self.objects[path]


def merged(found: Any, changes: Any) -> Any:
    """Return what a merge patch makes of a value."""
    if not isinstance(changes, dict):
        return changes
    below = found if isinstance(found, dict) else {}
    changed = {**below, **{name: merged(below.get(name), one) for name, one in changes.items()}}
    return {name: one for name, one in changed.items() if one is not None}


@pytest.fixture
def api() -> Api:
    return Api()


@pytest.fixture
async def platform(
    api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[KubernetesPlatform]:
    without_pauses(monkeypatch)
    helm = Helm(ClusterAccess(tmp_path / "kubeconfig"), tmp_path)
    async with serving(api.answer, tmp_path) as cluster:
        yield KubernetesPlatform(cluster, OPTIONS, helm, ProcessSandbox(), drain=0)


def by(run: int, beside: int = 0, **changes: Any) -> Any:
    """Return the specification of one run's deployment."""
    kept = Holder(beside, LAST) if beside else None
    return environment_of(labels=naming.labels(KEY, sha=SHA, run=run), beside=kept, **changes)


@pytest.fixture
def rolled_out(api: Api, monkeypatch: pytest.MonkeyPatch) -> dict[str, Mapping[str, str]]:
    """Let every rollout succeed at once; return the labels of its namespace meanwhile, by name."""
    seen: dict[str, Mapping[str, str]] = {}

    async def run(self: Any, *_: Any) -> Endpoint:
        seen[self.namespace] = api.labels(self.namespace)
        return Endpoint("10.0.0.1", 80)

    monkeypatch.setattr(Rollout, "run", run)
    return seen


async def test_what_was_taken_over_from_goes_and_nothing_else(api: Api, platform: KubernetesPlatform) -> None:
    api.space(FIRST, 7)
    api.space(SECOND, 8)
    await platform.retire(KEY, Holder(8))
    assert api.spaces == {SECOND: "8"}

    api.space(FIRST, 9)
    api.put(INGRESS, FIRST, "app", 9, "")
    await platform.retire(KEY, Holder(8))
    assert api.spaces == {FIRST: "9", SECOND: "8"}
    assert api.names(INGRESS, FIRST) == {"app"}


async def test_only_the_namespace_of_the_run_is_discarded(api: Api, platform: KubernetesPlatform) -> None:
    api.space(FIRST, 7)
    api.space(SECOND, 8)
    await platform.discard(KEY, Holder(8))
    assert api.spaces == {FIRST: "7"}


def with_data(api: Api, space: str, run: int) -> None:
    """Put data of run 6 into a namespace, and data and a Secret of a later run."""
    api.put(CLAIM, space, "old", 6, part_claims.ROLE)
    api.put(CLAIM, space, "own", run, part_claims.ROLE)
    api.put(SECRET, space, "secrets", run, part_secrets.ROLE)


@pytest.mark.parametrize("keep_data", [False, True])
async def test_of_an_environment_only_the_data_of_earlier_runs_is_kept(
    api: Api, platform: KubernetesPlatform, *, keep_data: bool
) -> None:
    api.space(FIRST, 7, **{LABEL_DATA: "kept"})
    with_data(api, FIRST, 7)
    api.space(SECOND, 6)

    await platform.remove(KEY, Holder(7), keep_data=keep_data)

    assert api.spaces == ({FIRST: "7"} if keep_data else {})
    assert api.names(CLAIM, FIRST) == ({"old"} if keep_data else set())
    assert api.names(SECRET, FIRST) == set()


@pytest.mark.attack
@pytest.mark.parametrize("keep_data", [False, True])
async def test_an_outdated_run_removes_nothing(
    api: Api, platform: KubernetesPlatform, *, keep_data: bool
) -> None:
    api.space(FIRST, 9)
    with_data(api, FIRST, 7)

    await platform.remove(KEY, Holder(8), keep_data=keep_data)

    assert api.spaces == {FIRST: "9"}
    assert api.names(CLAIM, FIRST) == {"old", "own"}
    assert api.names(SECRET, FIRST) == {"secrets"}


@pytest.mark.parametrize("data", [False, True])
async def test_a_failed_deployment_goes_without_the_data_of_earlier_ones(
    api: Api, platform: KubernetesPlatform, *, data: bool
) -> None:
    api.space(FIRST, 6)
    if data:
        with_data(api, FIRST, 7)

    with pytest.raises(TellUser):
        await platform.deploy(by(7, port=None, keeps_data=data), FakeLog())

    assert api.spaces == ({FIRST: "6"} if data else {})
    assert api.names(CLAIM, FIRST) == ({"old"} if data else set())


async def test_a_failed_deployment_leaves_the_namespace_beside_it_alone(
    api: Api, platform: KubernetesPlatform
) -> None:
    api.space(FIRST, 6)
    api.space(SECOND, 5)
    with_data(api, FIRST, 6)
    api.put(CLAIM, FIRST, "older", 5, part_claims.ROLE)

    with pytest.raises(TellUser):
        await platform.deploy(by(7, beside=6, port=None), FakeLog())

    assert api.spaces == {FIRST: "6"}
    assert api.names(CLAIM, FIRST) == {"old", "own", "older"}
    assert api.names(SECRET, FIRST) == {"secrets"}


async def test_a_namespace_is_starting_until_its_deployment_has_taken_over(
    api: Api, platform: KubernetesPlatform, rolled_out: dict[str, Mapping[str, str]]
) -> None:
    await platform.deploy(by(6), FakeLog())
    assert LABEL_ROLE not in rolled_out[FIRST]

    await platform.deploy(by(7, beside=6), FakeLog())

    assert rolled_out[SECOND][LABEL_ROLE] == STARTING
    assert LABEL_ROLE not in api.labels(SECOND)
    assert api.spaces == {FIRST: "6", SECOND: "7"}


async def test_a_namespace_says_whether_it_has_data(
    api: Api, platform: KubernetesPlatform, rolled_out: dict[str, Mapping[str, str]]
) -> None:
    for run, keeps in ((6, True), (7, False)):
        await platform.deploy(by(run, keeps_data=keeps), FakeLog())
        assert (LABEL_DATA in rolled_out[FIRST]) is (LABEL_DATA in api.labels(FIRST)) is keeps
        [item] = await platform.inventory()
        assert item.keeps_data is keeps


@pytest.mark.attack
@pytest.mark.usefixtures("rolled_out")
async def test_an_outdated_run_does_not_deploy_into_the_other_namespace(
    api: Api, platform: KubernetesPlatform
) -> None:
    api.space(FIRST, 9, **{LABEL_ROLE: STARTING})
    api.space(SECOND, 6)

    with pytest.raises(Overtaken) as caught:
        await platform.deploy(by(7), FakeLog())

    assert [item.id for item in caught.value.items] == [FIRST]
    assert api.spaces == {FIRST: "9", SECOND: "6"}


@pytest.mark.usefixtures("rolled_out")
async def test_what_an_interrupted_deployment_has_left_goes_first(
    api: Api, platform: KubernetesPlatform
) -> None:
    api.space(FIRST, 5, **{LABEL_ROLE: STARTING})
    api.space(SECOND, 6)
    await platform.deploy(by(7), FakeLog())
    assert api.spaces == {SECOND: "7"}


@pytest.mark.attack
@pytest.mark.parametrize("change", [{}, {"labels": {}}, {"deletionTimestamp": "2026-03-01T12:00:00Z"}])
async def test_only_the_own_namespaces_that_stay_are_visited(
    api: Api, platform: KubernetesPlatform, change: dict[str, Any]
) -> None:
    api.space(FIRST, 7)
    api.put(SERVICE, FIRST, "app", 7, "")
    api.objects[f"{SPACES}/{FIRST}"]["metadata"] |= change
    assert await platform.endpoint(KEY) == (None if change else Endpoint("10.0.0.1", 80))
