"""The bot installed by its own chart: it serves a Gitee outside the cluster and uninstalls completely."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import httpx
import pytest
from aiohttp import web
from docker.models.images import Image

from playground.server import OfflineGitee
from tests.cluster.access import PATIENCE, Access, Object, named, wait_until
from tests.cluster.chart import FOLDER, SECRET, Chart
from tests.cluster.visit import Visit
from tests.real.bot_image import context, image
from tests.real.postgres import postgres, postgres_url

__all__ = ["context", "image", "postgres", "postgres_url"]

# All on one worker, so that the image is built once.
pytestmark = pytest.mark.xdist_group("image")

RELEASE = "bot"
BOT, REPO, HOOK_SECRET = "chatops-bot", "team/shop", "s3cret"
NEEDED = {"kubernetes", "gitee"}
LEFT = [
    ("rbac.authorization.k8s.io/v1", "ClusterRole"),
    ("rbac.authorization.k8s.io/v1", "ClusterRoleBinding"),
]
"""Cluster-wide kinds, which deleting the namespace does not remove."""
CONFIG = """\
[gitee]
url = "{gitee}"
[repos]
allow = ["team/*"]
[kubernetes]
instance = "{instance}"
[comments]
language = "en"
"""


@pytest.fixture
async def gitee(machine: str, tmp_path: Path) -> AsyncIterator[OfflineGitee]:
    """Start a Gitee that pods can reach, with a repository and people."""
    async with OfflineGitee(tmp_path / "gitee", host=machine) as found:
        for login in ("mei", BOT):
            found.add_user(login)
        await found.add_repository(REPO, {"README.md": "shop\n"}, members={"mei": "write", BOT: "write"})
        yield found


@pytest.fixture
def host(namespace: str, preview_domain: str) -> str:
    return f"{namespace}.{preview_domain}"


@pytest.fixture(params=["sqlite", "postgresql"])
async def store(request: pytest.FixtureRequest, machine: str) -> AsyncIterator[str]:
    """Give the URL of each kind of database as pods reach it; empty for SQLite."""
    if request.param == "sqlite":
        yield ""
        return
    here = urlsplit(request.getfixturevalue("postgres_url"))
    async with relay(machine, here.port or 0) as port:
        yield here._replace(netloc=f"{here.username}@{machine}:{port}").geturl()


@pytest.fixture
def values(  # noqa: PLR0917 - fixtures are asked for by name
    image: Image, base_image: str, gitee: OfflineGitee, host: str, store: str, namespace: str
) -> Object:
    """Return minimal values; with an instance name, because the bot removes objects of its instance."""
    repository, _, tag = image.tags[0].rpartition(":")
    return {
        "image": {"repository": repository, "tag": tag, "pullPolicy": "Never"},
        "secrets": {"existingSecret": SECRET, "keys": {"STORE__URL": "store-url"} if store else {}},
        "database": "postgresql" if store else "sqlite",
        "config": CONFIG.format(gitee=gitee.url, instance=namespace),
        "data": {"persistent": False},
        "tools": [{"image": base_image, "program": "/bin/busybox"}],
        "ingress": {"enabled": True, "host": host},
    }


@pytest.fixture
async def installed(  # noqa: PLR0917 - fixtures are asked for by name
    chart: Chart, cluster: Access, namespace: str, gitee: OfflineGitee, values: Object, store: str
) -> AsyncIterator[None]:
    """Install the chart without waiting for readiness: there is no engine and no registry.

    Blocking calls run in threads, because the Gitee runs in the test's own event loop.
    """
    secrets = {"gitee-token": gitee.token(BOT), "webhook-secret": HOOK_SECRET, "store-url": store}
    cluster.create({**named("v1", "Secret", SECRET, namespace), "stringData": secrets})
    where = ("--namespace", namespace)
    try:
        await asyncio.to_thread(chart.do, "upgrade", "--install", RELEASE, str(FOLDER), *where, values=values)
        yield
    finally:
        await asyncio.to_thread(chart.run, "uninstall", RELEASE, *where)
    assert [
        kind for kind in LEFT if cluster.exists(named(*kind, f"{namespace}-{RELEASE}-gitee-chatops"))
    ] == []


def ready(answer: httpx.Response) -> set[str]:
    """Return the parts that the bot reports as ready; none if another server answers."""
    parts = answer.json()["parts"] if "json" in answer.headers.get("Content-Type", "") else {}
    return {name for name, part in parts.items() if part["ready"]}


@asynccontextmanager
async def relay(host: str, port: int) -> AsyncIterator[int]:
    """Forward connections from a port of that address to one on loopback, where test servers listen."""

    async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(1 << 16):
                writer.write(data)
                await writer.drain()
        writer.close()

    async def passed_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(copy(reader, back), copy(there, writer))

    async with await asyncio.start_server(passed_on, host, 0) as server:
        yield server.sockets[0].getsockname()[1]


@asynccontextmanager
async def way_in(ingress: str, host: str) -> AsyncIterator[str]:
    """Give a local URL that forwards to a host of the ingress, in place of a DNS name."""

    async def forward(request: web.Request) -> web.Response:
        headers = {**request.headers, "Host": host}
        url = ingress + request.path_qs
        async with client.request(request.method, url, headers=headers, data=await request.read()) as answer:
            return web.Response(status=answer.status, body=await answer.read())

    application = web.Application()
    application.router.add_route("*", "/{path:.*}", forward)
    runner = web.AppRunner(application)
    # The controller closes kept-alive connections whenever it reloads its routes.
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True)) as client:
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            yield f"http://127.0.0.1:{runner.addresses[0][1]}"
        finally:
            await runner.cleanup()


@pytest.mark.usefixtures("installed")
async def test_it_answers_a_pull_request_from_inside_the_cluster(  # noqa: PLR0917 - fixtures are asked for by name
    gitee: OfflineGitee, cluster: Access, namespace: str, store: str, ingress: str, host: str, visit: Visit
) -> None:
    replicas = 2 if store else 1
    await asyncio.to_thread(wait_until, lambda: started(cluster, namespace) == replicas, "the bot's pods")
    await asyncio.to_thread(visit.until, host, lambda answer: answer.is_success, "/healthz")
    # The pod's service account has access to the cluster, and the configuration names Gitee.
    await asyncio.to_thread(visit.until, host, lambda answer: ready(answer) >= NEEDED, "/readyz")
    number = await gitee.open_pull(REPO, "feature", files={"a": "b"}, by="mei")
    async with way_in(ingress, host) as address:
        gitee.add_hook(REPO, f"{address}/webhooks/gitee", HOOK_SECRET)
        await gitee.comment(REPO, number, "/help", by="mei")
        await gitee.wait_for(lambda: gitee.comments(REPO, number, by=BOT), PATIENCE)
    # Once, with any number of replicas.
    [said] = gitee.comments(REPO, number, by=BOT)
    assert "/deploy" in said.body


def started(cluster: Access, namespace: str) -> int:
    """Return how many pods of the bot have answered their first probe."""
    pods = cluster.kind("v1", "Pod").get(namespace=namespace).items
    return sum(each.started is True for pod in pods for each in pod.status.containerStatuses or ())
