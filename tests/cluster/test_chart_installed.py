"""The bot installed by its own chart: it works for a Gitee outside the cluster, and goes without a trace."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import httpx
import pytest
from aiohttp import web
from docker.models.images import Image

from bot.playground.server import OfflineGitee
from tests.cluster.access import Access, Object, named, wait_until
from tests.cluster.chart import FOLDER, SECRET, Chart
from tests.cluster.conftest import Visit
from tests.real.bot_image import context, engine, image

__all__ = ["context", "engine", "image"]

# One worker for all of them: the image is built once.
pytestmark = pytest.mark.xdist_group("image")

RELEASE = "bot"
BOT, REPO, HOOK_SECRET = "chatops-bot", "team/shop", "s3cret"
LEFT = [
    ("rbac.authorization.k8s.io/v1", "ClusterRole"),
    ("rbac.authorization.k8s.io/v1", "ClusterRoleBinding"),
]
"""What is not in the namespace, and so would stay."""
CONFIG = """\
[gitee]
url = "{gitee}"
[repos]
allow = ["team/*"]
[comments]
language = "en"
"""


@pytest.fixture
async def gitee(machine: str, tmp_path: Path) -> AsyncIterator[OfflineGitee]:
    """Have a Gitee that pods reach, with a repository and people."""
    async with OfflineGitee(tmp_path / "gitee", host=machine) as found:
        for login in ("mei", BOT):
            found.add_user(login)
        await found.add_repository(REPO, {"README.md": "shop\n"}, members={"mei": "write", BOT: "write"})
        yield found


@pytest.fixture
def host(namespace: str, preview_domain: str) -> str:
    return f"{namespace}.{preview_domain}"


@pytest.fixture
def values(image: Image, base_image: str, gitee: OfflineGitee, host: str) -> Object:
    """Say as little as somebody who tries it out."""
    repository, _, tag = image.tags[0].rpartition(":")
    return {
        "image": {"repository": repository, "tag": tag, "pullPolicy": "Never"},
        "secrets": {"existingSecret": SECRET},
        "config": CONFIG.format(gitee=gitee.url),
        "data": {"persistent": False},
        "tools": [{"image": base_image, "program": "/bin/busybox"}],
        "ingress": {"enabled": True, "host": host},
    }


@pytest.fixture
async def installed(
    chart: Chart, cluster: Access, namespace: str, gitee: OfflineGitee, values: Object
) -> AsyncIterator[None]:
    """Install the chart; its readiness is not waited for, as there is no engine and no registry.

    Whatever waits does so in a thread: the Gitee that the bot asks runs beside the test.
    """
    secrets = {"gitee-token": gitee.token(BOT), "webhook-secret": HOOK_SECRET}
    cluster.create({**named("v1", "Secret", SECRET, namespace), "stringData": secrets})
    where = ("--namespace", namespace)
    await asyncio.to_thread(chart.do, "upgrade", "--install", RELEASE, str(FOLDER), *where, values=values)
    yield
    await asyncio.to_thread(chart.do, "uninstall", RELEASE, *where)
    assert [
        kind for kind in LEFT if cluster.exists(named(*kind, f"{namespace}-{RELEASE}-gitee-chatops"))
    ] == []


def answers(visit: Visit, host: str, path: str) -> bool:
    """Say whether the bot answers there, and not the controller in its place."""
    return visit(host, path).status_code == httpx.codes.OK


@asynccontextmanager
async def way_in(ingress: str, host: str) -> AsyncIterator[str]:
    """Give an address on this machine that leads to a host of the ingress, as a name in DNS would."""

    async def forward(request: web.Request) -> web.Response:
        headers = {**request.headers, "Host": host}
        url = ingress + request.path_qs
        async with client.request(request.method, url, headers=headers, data=await request.read()) as answer:
            return web.Response(status=answer.status, body=await answer.read())

    application = web.Application()
    application.router.add_route("*", "/{path:.*}", forward)
    runner = web.AppRunner(application)
    async with aiohttp.ClientSession() as client:
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            yield f"http://127.0.0.1:{runner.addresses[0][1]}"
        finally:
            await runner.cleanup()


@pytest.mark.usefixtures("installed")
async def test_it_answers_a_pull_request_from_inside_the_cluster(
    gitee: OfflineGitee, ingress: str, host: str, visit: Visit
) -> None:
    await asyncio.to_thread(wait_until, lambda: answers(visit, host, "/healthz"), "/healthz")
    parts = (await asyncio.to_thread(visit, host, "/readyz")).json()["parts"]
    # The account of its own pod opens the cluster, and its configuration leads to Gitee.
    assert parts["kubernetes"]["ready"], parts
    assert parts["gitee"]["ready"], parts
    number = await gitee.open_pull(REPO, "feature", files={"a": "b"}, by="mei")
    async with way_in(ingress, host) as address:
        gitee.add_hook(REPO, f"{address}/webhooks/gitee", HOOK_SECRET)
        await gitee.comment(REPO, number, "/help", by="mei")
        await gitee.wait_for(lambda: _said(gitee, number), 60)


def _said(gitee: OfflineGitee, number: int) -> bool:
    return any("/deploy" in comment.body for comment in gitee.comments(REPO, number, by=BOT))
