"""A pull request prints whatever it finds; the bot's secrets are then searched for in all places.

One `chatops serve` with the real engine, git and registry plays the pull request from opening to teardown.
"""

import asyncio
import base64
import json
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import docker
import httpx
import pytest

from bot.core.naming import LABEL_INSTANCE
from tests.crash.conftest import MEMBERS
from tests.crash.engine import RemoteEngine
from tests.crash.fleet import Replica
from tests.crash.scene import REPOSITORIES, Scene
from tests.dialogue.offline import gitee_with_repository
from tests.dialogue.tester import BOT, REPO, SECRET
from tests.e2e.conftest import PATIENCE, RUNTIME, SERVE
from tests.real.fixtures import base_image, registry, sdk
from tests.real.parts import RegistryProcess

__all__ = ["base_image", "registry", "sdk"]

pytestmark = [pytest.mark.docker, pytest.mark.xdist_group("secrets")]

FILES = "/proc/*/environ /proc/*/cmdline /run/secrets/* ~/.docker/config.json .git/config"
FIND = f"env; cat {FILES} 2>/dev/null"
SUITE = f"{FIND}; echo '<testsuite><testcase name=\"a\"/></testsuite>' > $JUNIT_PATH"
RECIPE = f"{RUNTIME}COPY . /src\nRUN cd /src && ls -a && {FIND}; true\n{SERVE}\nFROM runtime AS test\n"
CONFIG = f"version: 1\ndeploy: {{health: {{path: /}}}}\ntest:\n  command: {json.dumps(SUITE)}\n"

SECRETS = ("token", "token as git sends it", "webhook secret")
PLACES = (
    *("log of the bot", "database", "files of the bot", "arguments of processes", "comments", "/metrics"),
    *("containers and images", "/healthz", "/", "/environments", "/commands", f"/prs/{REPO}/1"),
    *(
        "/runs/1",
        "/reports/1/",
        "/api/v1/openapi.json",
        "/api/v1/runs",
        "/api/v1/runs/1",
        "/api/v1/environments",
    ),
    *("/api/v1/commands", f"/api/v1/pulls/{REPO}/1"),
    *(f"/api/v1/runs/1/logs/{step}" for step in ("build", "deploy", "test")),
)


@pytest.fixture(scope="module")
def found(
    tmp_path_factory: pytest.TempPathFactory,
    sdk: docker.DockerClient,
    base_image: str,
    registry: RegistryProcess,
) -> dict[str, Any]:
    """Return the secrets under `secrets`, and the content of each place."""
    folder = tmp_path_factory.mktemp("secrets")
    return asyncio.run(played(folder, sdk, base_image, registry))


async def played(
    folder: Path, sdk: docker.DockerClient, base: str, registry: RegistryProcess
) -> dict[str, Any]:
    """Play the pull request and read all places."""
    async with gitee_with_repository(folder / "gitee") as gitee:
        await gitee.add_repository(REPOSITORIES[1], {"Dockerfile": "FROM scratch"}, members=MEMBERS)
        files: Any = {"Dockerfile": RECIPE.format(base=base), ".chatops.yml": CONFIG}
        await gitee.commit(REPO, "master", files, by="lin")
        store = f"sqlite:///{folder}/store/chatops.db"
        async with Scene(folder / "bots", gitee, RemoteEngine(), store, remote=False) as scene:
            return await _played(scene, folder, sdk, registry)


async def _played(
    scene: Scene, folder: Path, sdk: docker.DockerClient, registry: RegistryProcess
) -> dict[str, Any]:
    instance = f"test-{os.urandom(6).hex()}"
    # It is killed at the end, and would leave firewall rules for builds on the machine's default bridge.
    engine = {"instance": instance, "build_network": "none"}
    [bot] = await scene.start(docker=engine, registry={"url": f"http://{registry.host}"})
    arguments: set[str] = set()

    def is_ready() -> bool:
        arguments.update(_arguments())
        return bool(scene.comments("Preview ready"))

    number = await scene.open()
    try:
        await scene.until(is_ready, PATIENCE)
        await scene.idle()
        found = await _answers(bot) | {
            "containers and images": "".join(_inspected(sdk, instance)),
            "comments": str([one.history for one in scene.gitee.comments(REPO, number)]),
        }
    finally:
        await scene.gitee.close(REPO, number, by="lin")
        await scene.idle()
    token = scene.gitee.token(BOT)
    basic = base64.b64encode(f"oauth2:{token}".encode()).decode()
    return found | {
        "secrets": dict(zip(SECRETS, (token, basic, SECRET), strict=True)),
        "log of the bot": bot.log.read_text(),
        "database": _database(folder / "store/chatops.db"),
        "files of the bot": "".join(_files(bot.folder / "data")),
        "arguments of processes": "\n".join(arguments),
    }


async def _answers(bot: Replica) -> dict[str, Any]:
    """Return what each address answers."""
    async with httpx.AsyncClient(base_url=bot.url, timeout=PATIENCE) as client:
        answers = {place: await client.get(place) for place in PLACES if place.startswith("/")}
    assert {place: one.status_code for place, one in answers.items() if not one.is_success} == {}
    return {place: f"{one.headers}{one.text}" for place, one in answers.items()}


def _arguments() -> Iterator[str]:
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            yield (process / "cmdline").read_text(errors="replace")


def _inspected(sdk: docker.DockerClient, instance: str) -> Iterator[str]:
    """Yield the configuration of the containers and images of a bot, with the history of the images."""
    wanted: Any = {"label": f"{LABEL_INSTANCE}={instance}"}
    for container in sdk.containers.list(all=True, filters=wanted):
        yield json.dumps(container.attrs)
    for image in sdk.images.list(filters=wanted):
        yield json.dumps([image.attrs, image.history()])


def _database(file: Path) -> str:
    with closing(sqlite3.connect(file)) as database:
        return "\n".join(database.iterdump())


def _files(folder: Path) -> Iterator[str]:
    for file in folder.rglob("*"):
        if file.is_file():
            yield file.read_text(errors="replace")


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("place", PLACES)
def test_no_secret_is_in(found: dict[str, Any], place: str, secret: str) -> None:
    assert len(found[place]) > 0
    assert found["secrets"][secret] not in found[place]


def test_the_search_finds_what_is_there(found: dict[str, Any]) -> None:
    assert "JUNIT_PATH=" in found["/api/v1/runs/1/logs/test"], "the pull request has printed what it found"
    assert "Preview ready" in found["comments"]
    assert "--git-dir=" in found["arguments of processes"]
    assert REPO in found["database"]
