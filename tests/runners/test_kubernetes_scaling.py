"""Scaling to zero: a replica that hung meanwhile changes nothing of a later deployment, or of a woken one."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from bot.core import naming
from bot.model.environment import EnvironmentKey
from bot.model.forge import RepoPath
from bot.model.holder import LAST, Holder
from bot.runners.kubernetes.cluster import ClusterAccess, ClusterUnavailable
from bot.runners.kubernetes.helm import Helm
from bot.runners.kubernetes.options import KubernetesOptions
from bot.runners.kubernetes.platform import KubernetesPlatform
from bot.runners.kubernetes.pure import cluster_labels
from bot.sandbox.process import ProcessSandbox
from tests.runners.test_kubernetes_cluster import serving

KEY = EnvironmentKey(RepoPath("team", "shop"), 12, "preview")
LIST, PATCH = "GET deployments", "PATCH web"


@dataclass
class Api:
    """An API server with one namespace, which a run has deployed, and one Deployment in it."""

    run: int = 7
    replicas: int = 2
    version: int = 1
    before: dict[str, Callable[[], None]] = field(default_factory=dict)
    """What others do before these requests."""

    def deploy(self, run: int) -> None:
        """Let a later run deploy."""
        self.run, self.version = run, self.version + 1

    def change(self) -> None:
        """Let somebody change the Deployment."""
        self.version += 1

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answer, and change the Deployment as the server does: not if it changed since it was read."""
        name = request.path.rpartition("/")[2]
        if first := self.before.pop(f"{request.method} {name}", None):
            first()
        if request.method == "PATCH":
            return self._patch(await request.json())
        if request.path.count("/") == 4:
            return web.json_response(self._namespace(name))
        items = [self._deployment()] if name == "deployments" else []
        return web.json_response({"items": items})

    def _patch(self, patch: dict[str, Any]) -> web.Response:
        if patch["metadata"]["resourceVersion"] != f"{self.version}":
            return web.json_response({"message": "the object has been modified"}, status=409)
        self.version, self.replicas = self.version + 1, patch["spec"]["replicas"]
        return web.json_response(self._deployment())

    def _namespace(self, name: str) -> dict[str, Any]:
        labels = cluster_labels.all_of("bot", KEY, naming.labels(KEY, sha="a" * 40, run=self.run))
        return {"metadata": {"name": name, "labels": labels}}

    def _deployment(self) -> dict[str, Any]:
        metadata = {"name": "web", "resourceVersion": f"{self.version}"}
        return {"metadata": metadata, "spec": {"replicas": self.replicas}}


@pytest.fixture
def api() -> Api:
    return Api()


@pytest.fixture
async def platform(api: Api, tmp_path: Path) -> AsyncIterator[KubernetesPlatform]:
    helm = Helm(ClusterAccess(tmp_path / "kubeconfig"), tmp_path)
    async with serving(api.answer, tmp_path) as cluster:
        yield KubernetesPlatform(cluster, KubernetesOptions("bot"), helm, ProcessSandbox())


@pytest.mark.parametrize(("run", "replicas"), [(6, 2), (7, 0), (8, 0)])
async def test_only_what_the_run_or_an_earlier_one_has_deployed_is_scaled_down(
    api: Api, platform: KubernetesPlatform, run: int, replicas: int
) -> None:
    await platform.scale_down(KEY, Holder(run, LAST))
    assert api.replicas == replicas


async def test_a_deployment_after_the_workloads_were_read_stays(
    api: Api, platform: KubernetesPlatform
) -> None:
    api.before[LIST] = lambda: api.deploy(8)
    await platform.scale_down(KEY, Holder(7, LAST))
    assert api.replicas == 2


@pytest.mark.parametrize("change", [Api.change, lambda api: api.deploy(8)], ids=["changed", "deployed"])
async def test_a_workload_that_changed_before_the_request_arrives_stays(
    api: Api, platform: KubernetesPlatform, change: Callable[[Api], None]
) -> None:
    api.before[PATCH] = lambda: change(api)
    with pytest.raises(ClusterUnavailable, match="changed"):
        await platform.scale_down(KEY, Holder(7, LAST))
    assert api.replicas == 2
