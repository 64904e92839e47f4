"""Errors that a real server does not produce on demand, over real HTTP."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.runners.kubernetes.cluster import Cluster, ClusterAccess, ClusterRefused, ClusterUnavailable

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

KUBECONFIG = """
apiVersion: v1
kind: Config
clusters: [{{name: c, cluster: {{server: "{url}"}}}}]
users: [{{name: u, user: {{token: "{token}"}}}}]
contexts: [{{name: c, context: {{cluster: c, user: u}}}}]
current-context: c
"""


@asynccontextmanager
async def serving(handler: Handler, tmp_path: Path) -> AsyncIterator[Cluster]:
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", handler)
    async with TestServer(application) as server:
        file = tmp_path / "kubeconfig"
        file.write_text(KUBECONFIG.format(url=str(server.make_url("/")).rstrip("/"), token="old"))
        async with Cluster(ClusterAccess(file)) as cluster:
            yield cluster


def answering(status: int, **body: object) -> Handler:
    async def answer(request: web.Request) -> web.Response:
        return web.json_response(body, status=status)

    return answer


@pytest.mark.parametrize("status", [500, 503, 429])
async def test_a_failing_server_is_retried(status: int, tmp_path: Path) -> None:
    async with serving(answering(status, message="etcdserver: request timed out"), tmp_path) as cluster:
        with pytest.raises(ClusterUnavailable, match="etcdserver") as caught:
            await cluster.version()

    assert caught.value.status == status


async def test_a_refusal_is_reported_with_the_servers_message(tmp_path: Path) -> None:
    handler = answering(403, message='namespaces is forbidden: User "bot" cannot create', reason="Forbidden")
    async with serving(handler, tmp_path) as cluster:
        with pytest.raises(ClusterRefused, match="cannot create") as caught:
            await cluster.call("POST", "/api/v1/namespaces", body={})

    assert (caught.value.status, caught.value.why) == (403, "Forbidden")


async def test_a_response_without_json_is_reported_as_text(tmp_path: Path) -> None:
    async def proxy(request: web.Request) -> web.Response:
        return web.Response(status=502, text="<h1>Bad gateway</h1>")

    async with serving(proxy, tmp_path) as cluster:
        with pytest.raises(ClusterUnavailable, match="Bad gateway"):
            await cluster.version()


async def test_an_unreachable_server_and_missing_credentials_are_errors(tmp_path: Path) -> None:
    file = tmp_path / "kubeconfig"
    file.write_text(KUBECONFIG.format(url="http://127.0.0.1:1", token="x"))

    for access in (ClusterAccess(file), ClusterAccess(tmp_path / "none"), ClusterAccess(None)):
        async with Cluster(access) as cluster:
            with pytest.raises(ClusterUnavailable):
                await cluster.version()


async def test_expired_credentials_are_read_again_once(tmp_path: Path) -> None:
    seen: list[str] = []

    async def strict(request: web.Request) -> web.Response:
        seen.append(request.headers["Authorization"])
        if seen[-1] != "Bearer new":
            (tmp_path / "kubeconfig").write_text(
                KUBECONFIG.format(url=str(request.url.origin()), token="new"), encoding="utf-8"
            )
            return web.json_response({"message": "Unauthorized"}, status=401)
        return web.json_response({"gitVersion": "v1.31.0"})

    async with serving(strict, tmp_path) as cluster:
        assert await cluster.version() == "v1.31.0"

    assert seen == ["Bearer old", "Bearer new"]


async def test_a_list_is_read_to_its_last_page(tmp_path: Path) -> None:
    async def pages(request: web.Request) -> web.Response:
        more = {"": "2", "2": "3", "3": ""}[request.query.get("continue", "")]
        return web.json_response({"items": [{"page": more}], "metadata": {"continue": more}})

    async with serving(pages, tmp_path) as cluster:
        assert len(await cluster.list("/api/v1/namespaces/x/pods", {"a": "b"})) == 3


async def test_an_unknown_kind_has_no_objects(tmp_path: Path) -> None:
    async with serving(answering(404, message="the server could not find"), tmp_path) as cluster:
        assert await cluster.list("/apis/batch/v1/namespaces/x/cronjobs") == []
        assert await cluster.get("/apis/batch/v1/namespaces/x/cronjobs/y") is None
        assert not await cluster.delete("/apis/batch/v1/namespaces/x/cronjobs/y")


async def test_wrong_credentials_are_a_refusal_and_not_read_for_every_request(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.runners.kubernetes.cluster.REOPEN_AFTER", float("inf"))
    seen: list[str] = []

    async def never(request: web.Request) -> web.Response:
        seen.append(request.path)
        return web.json_response({"message": "Unauthorized"}, status=401)

    async with serving(never, tmp_path) as cluster:
        for _ in range(3):
            with pytest.raises(ClusterRefused, match="Unauthorized"):
                await cluster.version()

    assert len(seen) == 4
