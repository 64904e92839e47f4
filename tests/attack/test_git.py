"""Attacks by what a commit contains, from the fetch through the build with the real engine."""

from pathlib import Path

import docker
import pytest

from bot.gitee.source import GitSource
from bot.model.errors import TellUser
from bot.ports import BuildOrder
from bot.runners.docker.builder import DockerBuilder
from bot.runners.docker.engine import DockerEngine
from bot.sandbox.process import ProcessSandbox
from tests.fakes.log import FakeLog
from tests.real.fixtures import base_image, engine, instance, sdk
from tests.source.conftest import source, upstream
from tests.source.upstream import REPO, Upstream

__all__ = ["base_image", "engine", "instance", "sdk", "source", "upstream"]

pytestmark = pytest.mark.docker

CANARY = "content of a file of the machine"


class Commits:
    """Builds commits as the bot does: fetched, archived, sent to the engine."""

    def __init__(self, source: GitSource, upstream: Upstream, builder: DockerBuilder, base: str) -> None:
        self._source = source
        self._upstream = upstream
        self._builder = builder
        self._base = base
        self.log = FakeLog()

    async def build(self, tag: str, files: dict[str, bytes], links: dict[str, str] | None = None) -> None:
        """Build a commit with these files and links; `BASE` stands for the base image."""
        texts = {name: content.replace(b"BASE", self._base.encode()) for name, content in files.items()}
        sha = self._upstream.commit(texts, links=links)
        self._upstream.pull(7, sha)
        await self._source.fetch(REPO, self._upstream.url, 7, sha)
        async with self._source.archive(REPO, sha) as context:
            order = BuildOrder(tag, "Dockerfile", None, {}, {}, context)
            await self._builder.build(order, self.log)


@pytest.fixture
def commits(
    source: GitSource, upstream: Upstream, engine: DockerEngine, instance: str, base_image: str
) -> Commits:
    return Commits(
        source,
        upstream,
        DockerBuilder(engine, ProcessSandbox(), instance=instance, network="none"),
        base_image,
    )


@pytest.fixture
def canary(tmp_path: Path) -> Path:
    file = tmp_path / "canary"
    file.write_text(f"FROM scratch\n# {CANARY}\n")
    return file


READ = "FROM BASE\nENV ONLY={tag}\n{line}\nRUN cat /copied /copied/* 2>/dev/null; ls -l /copied; true\n"
COPIES = {
    "a link to a file of the machine": ("COPY link /copied", {"link": "{canary}"}),
    "a link that climbs out": ("COPY link /copied", {"link": "../../../../../../../..{canary}"}),
    "a link to the root": ("COPY link /copied", {"link": "/"}),
    "a path through a link": ("COPY link{canary} /copied", {"link": "/"}),
    "a path that climbs out": ("COPY ../../../../../../../..{canary} /copied", {}),
    "an absolute path": ("COPY {canary} /copied", {}),
    "all, with a link inside": ("COPY . /copied", {"link": "{canary}"}),
    "a link to a link": ("COPY one /copied", {"one": "two", "two": "{canary}"}),
    "an archive by ADD through a link": ("ADD link /copied", {"link": "{canary}"}),
    "a bind mount through a link": (
        "RUN --mount=type=bind,target=/m cat /m/link > /copied; true",
        {"link": "{canary}"},
    ),
}


@pytest.mark.parametrize(("line", "links"), COPIES.values(), ids=COPIES)
async def test_a_build_copies_no_file_of_the_machine(
    commits: Commits, instance: str, canary: Path, line: str, links: dict[str, str]
) -> None:
    tag = f"chatops-{instance}:built"
    recipe = READ.format(tag=tag, line=line.format(canary=canary)).encode()
    targets = {name: target.format(canary=canary) for name, target in links.items()}

    shown = ""
    try:
        await commits.build(tag, {"Dockerfile": recipe, "honest": b"honest"}, targets)
    except TellUser as refused:
        shown = f"{refused.facts}{refused.log}"

    assert CANARY not in commits.log.text + shown


LINKED = {"absolute": "{canary}", "that climbs out": "../../../../../../../..{canary}", "to a link": "other"}


@pytest.mark.parametrize("target", LINKED.values(), ids=LINKED)
async def test_a_dockerfile_that_is_a_link_reads_no_file_of_the_machine(
    commits: Commits, instance: str, canary: Path, target: str
) -> None:
    links = {"Dockerfile": target.format(canary=canary), "other": str(canary)}

    with pytest.raises(TellUser) as refused:
        await commits.build(f"chatops-{instance}:built", {"honest": b"honest"}, links)

    assert CANARY not in f"{refused.value.facts}{refused.value.log}{commits.log.text}"


async def test_an_honest_commit_with_a_link_inside_is_built(
    commits: Commits, instance: str, sdk: docker.DockerClient
) -> None:
    tag = f"chatops-{instance}:built"
    recipe = f"FROM BASE\nENV ONLY={tag}\nCOPY link honest /copied/\nRUN cat /copied/link\n"

    await commits.build(tag, {"Dockerfile": recipe.encode(), "honest": b"honest words"}, {"link": "honest"})

    assert "honest words" in commits.log.text
    assert sdk.images.get(tag).id
