"""Secrets of builds with a real engine: `RUN --mount=type=secret` gets them, and nothing else does."""

import hashlib
from pathlib import Path

import pytest

from bot.runners.docker.builder import DockerBuilder
from bot.runners.docker.engine import DockerEngine
from bot.sandbox.process import ProcessSandbox
from tests.fakes.log import FakeLog
from tests.runners.test_docker_build import Bench

pytestmark = pytest.mark.docker

SIZES = {
    "a token": b"s3cret-of-the-mirror",
    "lines": b"machine mirror\nlogin bot\r\npassword x\n",
    "bytes": bytes(range(256)),
    "nothing": b"",
    "the largest that BuildKit takes": b"0123456789abcdef" * (500 << 6),
}


@pytest.fixture
def bench(engine: DockerEngine, instance: str, base_image: str, tmp_path: Path) -> Bench:
    builder = DockerBuilder(engine, ProcessSandbox(), instance=instance, network="none")
    return Bench(builder, tmp_path, base_image, instance, FakeLog())


@pytest.mark.parametrize("value", SIZES.values(), ids=SIZES)
async def test_a_run_instruction_gets_the_secret_that_it_mounts(bench: Bench, value: bytes) -> None:
    script = "BASE\nRUN --mount=type=secret,id=token,required=true sha256sum /run/secrets/token\n"
    await bench.build(script, secrets={"token": value})
    assert hashlib.sha256(value).hexdigest() in bench.log.text
