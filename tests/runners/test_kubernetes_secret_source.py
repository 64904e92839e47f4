"""The operator's secrets in a cluster: read by the bot's account, with an error that says what is missing."""

import base64
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from bot.core.results.masking import Masker
from bot.model.errors import GiveUp, RetryLater
from bot.model.reason import Reason
from bot.model.secrets import ClusterKey, SecretProblem
from bot.runners.kubernetes.cluster import Cluster
from bot.runners.kubernetes.secret_source import reader
from bot.secrets.sources import LARGEST, OperatorSecrets, SecretSource, no_cluster
from tests.runners.test_kubernetes_cluster import serving

KEY = ClusterKey("shop", "database", "password")
SOURCE = SecretSource("db-password", cluster=KEY)
PATH = "/api/v1/namespaces/shop/secrets/database"
RIGHT = "grant the verb get on secrets, resourceNames [database], in the namespace shop"


class Server:
    """A server with one Secret, which a test changes."""

    def __init__(self) -> None:
        self.status = 200
        self.data: dict[str, bytes] | None = {"password": b"correct-horse"}

    async def answer(self, request: web.Request) -> web.Response:
        if request.path != PATH:
            return web.json_response({"message": "not found"}, status=404)
        data = {key: base64.b64encode(value).decode() for key, value in (self.data or {}).items()}
        body: dict[str, Any] = {"metadata": {"name": "database"}} | ({"data": data} if self.data else {})
        failed = {"message": "secrets is forbidden", "reason": "Forbidden"}
        return web.json_response(body if self.status == 200 else failed, status=self.status)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[tuple[Server, Cluster]]:
    server = Server()
    async with serving(server.answer, tmp_path) as cluster:
        yield server, cluster


async def test_a_new_value_counts_without_a_restart_and_both_are_masked(
    world: tuple[Server, Cluster],
) -> None:
    server, cluster = world
    masker = Masker(())
    secrets = OperatorSecrets([SOURCE], masker, reader(cluster))
    await secrets.check()
    assert await secrets.read("db-password") == b"correct-horse"

    server.data = {"password": b"battery-staple"}

    assert await secrets.read("db-password") == b"battery-staple"
    assert masker.mask("correct-horse battery-staple") == "*** ***"


@pytest.mark.parametrize(
    ("status", "data", "why"),
    [
        (200, {"other": b"x"}, "the Secret shop/database has no key password"),
        (200, None, "the Secret shop/database has no key password"),
        (404, None, "the Secret shop/database with the key password does not exist"),
        (
            403,
            None,
            f"the Secret shop/database may not be read for its key password; {RIGHT}",
        ),
        (400, None, "the Secret shop/database cannot be read: secrets is forbidden"),
        (
            200,
            {"password": b"a\0bcd"},
            "the key password of the Secret shop/database contains a NUL character",
        ),
        (200, {"password": b"abc"}, "the key password of the Secret shop/database is shorter than 4"),
        (200, {"password": b"\xff" * 9}, "the key password of the Secret shop/database is not UTF-8"),
        (200, {"password": b"x" * (LARGEST + 1)}, "the key password of the Secret shop/database is larger"),
    ],
)
async def test_a_secret_that_cannot_be_used_stops_the_start_and_says_why(
    world: tuple[Server, Cluster], status: int, data: dict[str, bytes] | None, why: str
) -> None:
    server, cluster = world
    server.status, server.data = status, data
    secrets = OperatorSecrets([SOURCE], Masker(()), reader(cluster))

    with pytest.raises(SecretProblem) as problem:
        await SOURCE.fetch(reader(cluster))
    with pytest.raises(GiveUp) as start:
        await secrets.check()
    with pytest.raises(GiveUp) as step:
        await secrets.read("db-password")

    assert str(problem.value).startswith(why)
    assert start.value.facts["message"].startswith(f"[secrets.db-password] kubernetes: {why}")
    assert step.value.reason is Reason.SECRET_UNREADABLE
    assert "database" not in str(step.value), "people on Gitee do not learn where it is"


async def test_a_cluster_that_does_not_answer_delays_steps_and_not_the_start(
    world: tuple[Server, Cluster],
) -> None:
    server, cluster = world
    server.status = 503
    secrets = OperatorSecrets([SOURCE], Masker(()), reader(cluster))

    await secrets.check()
    await secrets.learn()
    with pytest.raises(RetryLater):
        await secrets.read("db-password")


async def test_without_a_cluster_nothing_is_read() -> None:
    with pytest.raises(SecretProblem, match="shop/database cannot be read without a cluster"):
        await SOURCE.fetch(no_cluster)
