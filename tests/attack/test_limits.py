"""Attacks on the machine's memory, processes and disk, with a real engine."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.model.errors import TellUser
from bot.runners.docker.builder import DockerBuilder
from bot.runners.docker.engine import DockerEngine
from tests.fakes.log import FakeLog
from tests.real.parts import BUSYBOX, order
from tests.real.second_engine import SecondEngine, second_engine

DOCKERFILE = """\
FROM scratch
COPY busybox /bin/busybox
RUN ["/bin/busybox", "--install", "-s", "/bin"]
RUN {command}
"""


@pytest.fixture(scope="module")
def limited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecondEngine]:
    """Start an engine as on a fresh machine, with the limits of `make setup`."""
    with second_engine(tmp_path_factory.mktemp("engine")) as started:
        yield started


async def build(engine: SecondEngine, folder: Path, command: str) -> FakeLog:
    """Build an image with one RUN instruction and return the log."""
    connected, log = await DockerEngine.connect(engine.host), FakeLog()
    files: dict[str, bytes | str] = {
        "Dockerfile": DOCKERFILE.format(command=command),
        "busybox": BUSYBOX.read_bytes(),
    }
    try:
        builder = DockerBuilder(connected, instance="test", network="none")
        await builder.build(order(folder, "attack:1", files), log)
    finally:
        await connected.close()
    return log


async def test_a_build_cannot_start_more_processes_than_the_limit(
    limited: SecondEngine, tmp_path: Path
) -> None:
    with pytest.raises(TellUser):
        await build(limited, tmp_path, "i=0; while [ $i -lt 700 ]; do sleep 600 & i=$((i+1)); done")
    assert limited.cgroup_file("pids", "pids.max").read_text() == "512\n"
    await build(limited, tmp_path, "echo fine")


async def test_a_build_cannot_take_more_memory_than_the_limit(limited: SecondEngine, tmp_path: Path) -> None:
    with pytest.raises(TellUser):
        await build(limited, tmp_path, "dd if=/dev/zero of=/dev/null bs=2300M count=1")
    await build(limited, tmp_path, "echo fine")
