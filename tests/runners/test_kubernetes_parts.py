"""How many requests a look at all previews of a cluster takes."""

from pathlib import Path
from typing import Any

from aiohttp import web

from bot.core import naming
from bot.model.environment import EnvironmentKey
from bot.model.forge import RepoPath
from bot.model.reason import Reason
from bot.runners.kubernetes.namespace import Namespaces
from bot.runners.kubernetes.options import KubernetesOptions
from bot.runners.kubernetes.parts import Parts
from bot.runners.kubernetes.pure import cluster_labels
from tests.runners.kubernetes_pure.test_workload_health import ended, pod, workload
from tests.runners.test_kubernetes_cluster import serving

OPTIONS = KubernetesOptions("bot")
SPACES = ("pr-12-shop", "pr-13-shop")


def key(number: int) -> EnvironmentKey:
    return EnvironmentKey(RepoPath("team", "shop"), number, "preview")


def namespace(name: str) -> dict[str, Any]:
    return {
        "metadata": {
            "name": name,
            "labels": {"chatops.number": name.split("-")[1]},
            "annotations": {"chatops.repo": "team/shop", "chatops.environment": "preview"},
            "creationTimestamp": "2026-03-01T12:00:00Z",
        }
    }


def web_in(name: str, ready: int) -> dict[str, Any]:
    found = workload(ready)
    return {**found, "metadata": {"name": "web", "namespace": name}}


async def test_only_what_looks_unwell_takes_more_requests(tmp_path: Path) -> None:
    ready = dict.fromkeys(SPACES, 1)
    asked: list[tuple[str, str]] = []

    async def answer(request: web.Request) -> web.StreamResponse:
        asked.append((request.path, request.query.get("labelSelector", "")))
        if request.path.endswith("/log"):
            return web.Response(body=f"{request.query['container']} of {request.path}\n".encode())
        items: dict[str, list[Any]] = {
            "namespaces": [namespace(name) for name in SPACES],
            "deployments": [web_in(name, ready[name]) for name in SPACES],
            "pods": [pod(ended())],
        }
        return web.json_response({"items": items.get(request.path.rpartition("/")[2], [])})

    async with serving(answer, tmp_path) as cluster:
        parts = Parts(cluster, Namespaces(cluster, OPTIONS), "bot")
        found = await parts.find()
        assert [part.up for number in (12, 13) for part in found[key(number)]] == [True, True]
        assert sorted(asked) == [
            ("/api/v1/namespaces", "chatops.instance=bot"),
            ("/apis/apps/v1/deployments", "chatops.instance=bot"),
            ("/apis/apps/v1/statefulsets", "chatops.instance=bot"),
        ]
        assert await parts.output(found[key(12)][0], 20) == ""

        asked.clear()
        ready["pr-13-shop"] = 0
        found = await parts.find()
        assert [path for path, _ in asked[3:]] == ["/api/v1/namespaces/pr-13-shop/pods"]
        [part] = found[key(13)]
        assert (part.up, part.reason) == (False, Reason.CRASH_LOOP)
        assert await parts.output(part, 20) == "main of /api/v1/namespaces/pr-13-shop/pods/web-1/log"


async def test_the_parts_of_one_environment_are_read_with_what_has_their_output(tmp_path: Path) -> None:
    asked: list[tuple[str, str]] = []
    name = naming.namespace(key(12), OPTIONS.prefix, OPTIONS.instance)
    space = namespace("pr-12-shop")
    space["metadata"]["name"] = name
    space["metadata"]["labels"] = {**cluster_labels.of_environment("bot", key(12)), "chatops.run": "7"}

    async def answer(request: web.Request) -> web.StreamResponse:
        if request.path.endswith("/log"):
            asked.append((request.path, request.query["tailLines"]))
            return web.Response(body=b"ready\n")
        if request.path.endswith(f"/namespaces/{name}"):
            return web.json_response(space)
        if f"/{name}/" not in request.path:
            return web.json_response({}, status=404)
        items = {"deployments": [web_in(name, 1)], "pods": [pod({"running": {}})]}
        return web.json_response({"items": items.get(request.path.rpartition("/")[2], [])})

    async with serving(answer, tmp_path) as cluster:
        parts = Parts(cluster, Namespaces(cluster, OPTIONS), "bot")
        [part] = await parts.of(key(12))
        assert (part.name, part.up, part.run) == ("web", True, 7)
        assert await parts.output(part, 500) == "ready"
        assert not await parts.of(key(13))
    assert asked == [(f"/api/v1/namespaces/{name}/pods/web-1/log", "500")]
