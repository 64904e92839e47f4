"""Bots whose database, disk or Gitee fails, with a clock that does not skip waits."""

import asyncio
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from bot.settings.model import Settings
from tests.dialogue.conftest import no_machine_clock, settings, templates_compiled_once
from tests.dialogue.offline import OfflineTester, PassingTime, gitee_with_repository
from tests.dialogue.tester import REPO, SECRET
from tests.fakes.adapters import FakeWorld

__all__ = ["no_machine_clock", "settings", "templates_compiled_once"]

PIECE = 1 << 14


class SteadyTime(PassingTime):
    """A real clock: during an outage, retries must not use up days of skipped time."""

    async def sleep(self, seconds: float) -> None:
        """Wait briefly, so that external processes can make progress."""
        self.waits.append(seconds)
        await asyncio.sleep(min(seconds, 0.02))


@dataclass
class SmallDisk:
    """A file system of a few megabytes that tests fill completely."""

    folder: Path

    def fill(self) -> None:
        """Fill the disk."""
        with suppress(OSError), (self.folder / "ballast").open("wb", buffering=0) as file:
            while True:
                file.write(b"x" * PIECE)

    def free(self) -> None:
        """Free the space."""
        (self.folder / "ballast").unlink()


@pytest.fixture
def small_disk() -> Iterator[SmallDisk]:
    """Mount a small disk; this needs root, as do the tests with containers."""
    # Not below pytest's folder, which other test runs may remove.
    folder = Path(tempfile.mkdtemp(prefix="chatops-disk-"))
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=32m", "tmpfs", folder], check=True)  # noqa: S603, S607
    yield SmallDisk(folder)
    # After a failed test, its frames keep a log's file open.
    subprocess.run(["umount", "--lazy", folder], check=True)  # noqa: S603, S607
    folder.rmdir()


async def at_work(tmp_path: Path, settings: Settings, clock: PassingTime) -> AsyncIterator[OfflineTester]:
    async with gitee_with_repository(tmp_path / "gitee") as gitee:
        hook = gitee.add_hook(REPO, "http://bot.invalid", SECRET)
        found = OfflineTester(gitee, FakeWorld(), settings=settings, hook=hook, clock=clock)
        await found.start()
        try:
            yield found
        finally:
            await found.stop()


@pytest.fixture
async def steady(tmp_path: Path, settings: Settings) -> AsyncIterator[OfflineTester]:
    """Provide a tester with a real clock."""
    async for found in at_work(tmp_path, settings, SteadyTime()):
        yield found


@pytest.fixture
async def tester(tmp_path: Path, settings: Settings) -> AsyncIterator[OfflineTester]:
    """Provide a tester with a clock that skips every wait."""
    async for found in at_work(tmp_path, settings, PassingTime()):
        yield found


@pytest.fixture
async def on_small_disk(
    small_disk: SmallDisk, tmp_path: Path, settings: Settings
) -> AsyncIterator[OfflineTester]:
    """Provide a tester whose bot has all its data on the small disk."""
    server = replace(settings.server, data_dir=small_disk.folder / "bot")
    async for found in at_work(tmp_path, replace(settings, server=server), SteadyTime()):
        yield found
