"""Previews without visits: scaled to zero, and back by the next visit."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from bot.core import naming
from bot.model.environment import Environment, EnvironmentKey, EnvironmentState
from bot.model.errors import TellUser
from bot.model.forge import RepoPath
from bot.model.holder import ANYONE
from bot.model.reason import Reason
from bot.runners.kubernetes.cluster import Cluster, ClusterAccess
from bot.runners.kubernetes.platform import KubernetesPlatform
from bot.runners.kubernetes.polling import until
from bot.runners.kubernetes.pure.manifests import DEPLOYMENT, INGRESS, POD, STATEFUL_SET
from tests.cluster.access import PATIENCE
from tests.cluster.previews import SERVE, Previews, definition_of
from tests.cluster.test_story import CONFIG, DOCKERFILE, settings
from tests.dialogue.tester import REPO, BotTester
from tests.e2e.conftest import start
from tests.fakes.log import FakeLog

__all__ = ["settings", "start"]

HOUR = timedelta(hours=1)


def behind_the_proxy(previews: Previews) -> KubernetesPlatform:
    """Return a platform whose visitors come through the bot's proxy."""
    return previews.other(replace(previews.options, routing=replace(previews.options.routing, proxied=True)))


async def until_nothing_runs(cluster: Cluster, namespace: str) -> None:
    async def empty() -> bool:
        return not await cluster.list(POD.path(namespace))

    await until(PATIENCE, empty)


def workload(image: str) -> str:
    """Return a StatefulSet with two replicas, and an Ingress that would bypass the proxy."""
    return f"""
apiVersion: apps/v1
kind: StatefulSet
metadata: {{name: web}}
spec:
  replicas: 2
  serviceName: web
  selector: {{matchLabels: {{app: web}}}}
  template:
    metadata: {{labels: {{app: web}}}}
    spec:
      terminationGracePeriodSeconds: 1
      securityContext: {{runAsUser: 1000, runAsNonRoot: true}}
      containers:
      - name: web
        image: {image}
        args: [sh, -c, {SERVE!r}]
        readinessProbe: {{periodSeconds: 1, tcpSocket: {{port: 8080}}}}
---
apiVersion: v1
kind: Service
metadata: {{name: web}}
spec:
  selector: {{app: web}}
  ports: [{{name: http, port: 80, targetPort: 8080, protocol: TCP}}]
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {{name: web}}
spec:
  rules:
  - host: "{{{{ host }}}}"
    http:
      paths:
      - path: /
        pathType: Prefix
        backend: {{service: {{name: web, port: {{number: 80}}}}}}
"""


async def test_all_workloads_sleep_and_wake_as_they_were(
    previews: Previews, log: FakeLog, tmp_path: Path
) -> None:
    platform, cluster, space = behind_the_proxy(previews), previews.cluster, previews.namespace
    theirs = definition_of(tmp_path, "k8s", {"web.yaml": workload(previews.image.pinned)})

    endpoint = await platform.deploy(previews.environment(definition=theirs), log)

    assert await cluster.list(INGRESS.path(space)) == [], "it would lead past the proxy"
    await platform.scale_down(previews.key, ANYONE)
    await platform.scale_down(previews.key, ANYONE)
    await until_nothing_runs(cluster, space)

    await platform.scale_up(previews.key, endpoint)

    async with httpx.AsyncClient() as client:
        answer = await client.get(f"http://{endpoint.host}:{endpoint.port}/")
    assert answer.text == "at your service\n"
    (found,) = await cluster.list(STATEFUL_SET.path(space))
    assert (found["spec"]["replicas"], found["status"]["readyReplicas"]) == (2, 2)


async def test_a_sleeping_environment_is_deployed_again_and_removed(previews: Previews, log: FakeLog) -> None:
    platform = behind_the_proxy(previews)
    await platform.deploy(previews.environment(), log)
    await platform.scale_down(previews.key, ANYONE)
    await until_nothing_runs(previews.cluster, previews.namespace)

    await platform.deploy(previews.environment(), log)

    (found,) = await previews.cluster.list(DEPLOYMENT.path(previews.namespace))
    assert found["status"]["readyReplicas"] == 1
    await platform.scale_down(previews.key, ANYONE)
    await platform.remove(previews.key, ANYONE)
    await platform.scale_down(previews.key, ANYONE)
    with pytest.raises(TellUser) as caught:
        await platform.scale_up(previews.key, None)
    assert caught.value.reason is Reason.NO_ENVIRONMENT


@pytest.fixture
def sleep_after() -> str:
    """Return the time without visits after which a preview sleeps."""
    return "1h"


async def test_a_preview_without_visits_sleeps_and_the_next_visit_wakes_it(
    start: Callable[[dict[str, str]], Awaitable[BotTester]], instance: str, bot_kubeconfig: Path
) -> None:
    tester = await start({"Dockerfile": DOCKERFILE, ".chatops.yml": CONFIG})
    assert "1 passed" in await tester.opened()
    key = EnvironmentKey(RepoPath(*REPO.split("/")), 1, "preview")
    pulls, host = tester.bot.store.pulls, f"pr-1-shop.{tester.bot.deps.addresses.preview_domain}"

    def older(one: Environment) -> Environment:
        return replace(one, deployed_at=one.deployed_at - 2 * HOUR)

    async with (
        Cluster(ClusterAccess(bot_kubeconfig)) as cluster,
        httpx.AsyncClient(base_url=tester.bot.listeners.previews.url, headers={"Host": host}) as visitor,
    ):
        assert (await visitor.get("/")).text == "hello\n"
        await pulls.writer(None).change(key.repo, key.number, older)
        await tester.bot.reconciling.idle_scaler.reconcile()
        await until_nothing_runs(cluster, naming.namespace(key, "pr", instance))
        assert "| asleep |" in await tester.says("/status")

        first = await visitor.get("/", headers={"Accept": "text/html", "Accept-Language": "en"})

        assert (first.status_code, first.headers["Retry-After"]) == (503, "3")
        assert "This preview is waking up" in first.text

        async def ready() -> bool:
            (found,) = await pulls.environments()
            return found.state is EnvironmentState.READY

        await until(PATIENCE, ready)
        second = await visitor.get("/")
        assert (second.status_code, second.text) == (200, "hello\n")
    await tester.merge()
    await tester.read_all()
