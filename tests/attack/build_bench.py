"""Builds commits of several repositories as the bot does, with a real engine and registry."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from bot.core.admission.builds import BuildPolicy
from bot.core.admission.images import ImagePolicy
from bot.model.delivery import Trigger
from bot.model.errors import ChatOpsError, TellUser
from bot.model.forge import Checkout, RepoPath
from bot.model.pipeline import BuildConfig, RunnerName
from bot.model.plan import Build, Plan
from bot.model.reason import Reason
from bot.model.run import Origin, Run
from bot.model.text import Language
from bot.registry.base import RegistryOptions
from bot.registry.oci import OciRegistry
from bot.runners.docker.builder import DockerBuilder
from bot.runners.docker.credentials import Credentials
from bot.runners.docker.engine import DockerEngine
from bot.sandbox.process import ProcessSandbox
from bot.steps.build import build_target
from bot.steps.context import StepContext
from tests.fakes.adapters import FakeAdapters, FakeWorld
from tests.fakes.log import FakeLog
from tests.fakes.snapshots import NOW
from tests.real.parts import RegistryProcess, tar

SHOP, VICTIM = RepoPath("team", "shop"), RepoPath("team", "victim")
SECRET = "what only this machine may read"
PROJECT = "previews"


class Source(FakeAdapters):
    """The files of one commit; what is read and what is archived may differ, as attributes of git allow."""

    def __init__(self, folder: Path, text: str, files: bytes) -> None:
        super().__init__(FakeWorld())
        self._folder = folder
        self._text = text
        self._files = files

    async def read(self, repo: RepoPath, sha: str, path: str, limit: int = 1 << 20) -> bytes | None:
        return self._text.encode()

    @asynccontextmanager
    async def archive(self, repo: RepoPath, sha: str, folder: str = ".") -> AsyncIterator[Path]:
        file = self._folder / f"{uuid.uuid4().hex}.tar"
        file.write_bytes(self._files)
        yield file


@dataclass
class Listener:
    """A service of this machine, which counts its visitors."""

    url: str
    visits: list[bytes] = field(default_factory=list)


@dataclass
class Bench:
    """Builds commits of several repositories as the bot does; `{base}` in a Dockerfile is a base image."""

    folder: Path
    builder: DockerBuilder
    registry: OciRegistry
    policy: BuildPolicy
    base: str
    instance: str

    async def build(
        self,
        text: str,
        *,
        repo: RepoPath = SHOP,
        number: int = 1,
        trusted: bool = True,
        args: Mapping[str, str] | None = None,
        files: bytes | None = None,
    ) -> str:
        """Build a commit, and return its log; raises what the step raises."""
        filled = text.replace("{base}", self.base)
        source = Source(self.folder, filled, files or tar({"Dockerfile": filled}))
        adapters = replace(
            FakeWorld().adapters(),
            source=source,
            registry=self.registry,
            builders={RunnerName.DOCKER: self.builder},
            builds=self.policy,
            instance=self.instance,
        )
        step = Build("ab" * 20, BuildConfig(args=args or {}), trusted)
        run = Run(1, repo, number, step.sha, Plan((step,)), Origin(Trigger.OPEN, "mei"), Language.EN, NOW)
        log = FakeLog()
        self.tag = self.registry.tag_for(repo, number, step.sha)
        try:
            await build_target(step, Checkout(step.sha), self.tag, StepContext(run, log, adapters))
        except ChatOpsError as error:
            error.log = f"{log.text}\n{error.log}"
            raise
        return log.text

    async def refused(self, text: str, reason: Reason, **more: object) -> str:
        """Return the log of a build that must be refused for a reason."""
        with pytest.raises(TellUser) as caught:
            await self.build(text, **more)  # type: ignore[arg-type] # as given
        assert caught.value.reason is reason, (caught.value.facts, caught.value.log)
        return caught.value.log or ""


@pytest.fixture
async def bench(
    tmp_path: Path, engine: DockerEngine, registry: RegistryProcess, base_image: str, instance: str
) -> AsyncIterator[Bench]:
    policy = BuildPolicy(images=ImagePolicy(registry.host, PROJECT, (f"{registry.host}/bases/*",)))
    builder = DockerBuilder(
        engine,
        ProcessSandbox(),
        instance=instance,
        network="none",
        credentials=Credentials(policy=policy.images),
    )
    async with OciRegistry(RegistryOptions(registry.host, PROJECT)) as pushed:
        yield Bench(tmp_path, builder, pushed, policy, base_image, instance)


@pytest.fixture
async def listener() -> AsyncIterator[Listener]:
    """Provide a service that only this machine can reach."""
    found = Listener("")

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        found.visits.append(await reader.readline())
        writer.write(f"HTTP/1.0 200 OK\r\nContent-Length: {len(SECRET)}\r\n\r\n{SECRET}".encode())
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    found.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server:
        yield found
