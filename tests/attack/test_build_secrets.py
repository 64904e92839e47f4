"""Attacks on the secrets of builds, with a real engine: who else could read one, and where one could stay."""

import asyncio
import base64
import io
import json
import logging
import tarfile
import uuid
from dataclasses import dataclass, field, replace
from pathlib import Path

import docker
import pytest

from bot.model.errors import TellUser
from bot.model.reason import Reason
from bot.model.secrets import SecretValue
from bot.model.shortening import shortened
from bot.runners.docker.builder import DockerBuilder
from bot.runners.docker.engine import DockerEngine
from bot.sandbox.process import ProcessSandbox
from tests.fakes.log import FakeLog
from tests.real.fixtures import base_image, engine, instance, sdk
from tests.real.parts import order

__all__ = ["base_image", "engine", "instance", "sdk"]

pytestmark = pytest.mark.docker

MOUNT = "--mount=type=secret,id=token,required=true"
LEAK = f"RUN {MOUNT} cp /run/secrets/token /copied"
SHOP, VICTIM = "chatops/team/shop", "chatops/team/victim"


@dataclass
class Bench:
    """Builds with secrets. `BASE` stands for a base image that is in no cache."""

    builder: DockerBuilder
    folder: Path
    base: str
    instance: str
    sdk: docker.DockerClient
    value: bytes = field(default_factory=lambda: b"s3cret-" + uuid.uuid4().hex.encode())

    @property
    def tag(self) -> str:
        return f"chatops-{self.instance}:built"

    async def build(
        self, script: str, *, cache: str = SHOP, args: dict[str, str] | None = None, given: bool = True
    ) -> str:
        """Build in a folder of its own, with the secret if `given`, and return the log."""
        text = script.replace("BASE", f"FROM {self.base}\nENV ONLY={self.instance}")
        folder = self.folder / uuid.uuid4().hex
        folder.mkdir()
        wanted = order(folder, self.tag, {"Dockerfile": text}, args=args)
        secrets = (SecretValue("token", self.value), SecretValue("other", b"another")) if given else ()
        log = FakeLog()
        await self.builder.build(replace(wanted, text=text.encode(), secrets=secrets, cache=cache), log)
        return log.text

    async def refused(self, script: str, *, cache: str = SHOP, given: bool = True) -> TellUser:
        """Return the error of a build that must fail."""
        with pytest.raises(TellUser) as caught:
            await self.build(script, cache=cache, given=given)
        return caught.value

    def image_holds(self, *values: bytes) -> bool:
        """Return whether the image has one of these in its history, its configuration or a layer."""
        image = self.sdk.images.get(self.tag)
        described = json.dumps([image.attrs, image.history()]).encode()
        saved = io.BytesIO(b"".join(image.save()))
        return any(value in described or _holds(saved, value) for value in values)


def _holds(archive: io.BytesIO, value: bytes) -> bool:
    archive.seek(0)
    with tarfile.open(fileobj=archive) as tar:
        files = (tar.extractfile(member) for member in tar if member.isreg())
        return any(value in file.read() for file in files if file is not None)


@pytest.fixture
def bench(
    engine: DockerEngine, instance: str, base_image: str, sdk: docker.DockerClient, tmp_path: Path
) -> Bench:
    builder = DockerBuilder(engine, ProcessSandbox(), instance=instance, network="none")
    return Bench(builder, tmp_path, base_image, instance, sdk)


QUIET = {
    "a file": f"BASE\nRUN {MOUNT} sha256sum /run/secrets/token",
    "a file elsewhere": f"BASE\nRUN {MOUNT},target=/root/.npmrc sha256sum /root/.npmrc",
    "an argument of the same name": f"BASE\nARG token\nRUN {MOUNT} sha256sum /run/secrets/token; echo $token",
    "a variable of one command": f"BASE\nRUN {MOUNT} TOKEN=$(cat /run/secrets/token) sh -c 'test $TOKEN'",
    "a process that crashes": f"BASE\nRUN {MOUNT} sh -c 'kill -SEGV $$' $(cat /run/secrets/token) || true",
}


@pytest.mark.parametrize("script", QUIET.values(), ids=QUIET)
async def test_a_secret_that_is_used_stays_in_no_image_and_no_log(
    bench: Bench, script: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    log = await bench.build(script)
    encoded = base64.b64encode(bench.value)
    assert not bench.image_holds(bench.value, encoded, b"another")
    for text in (log, caplog.text):
        assert bench.value.decode() not in text
        assert encoded.decode() not in text


READS = {
    "the next instruction": f"BASE\nRUN {MOUNT} true\nRUN cat /run/secrets/token",
    "another stage": f"BASE AS a\nRUN {MOUNT} true\nBASE\nCOPY --from=a /run/secrets/token /x",
    "an argument": 'BASE\nARG token\nRUN test -n "$token"',
    "a variable": 'BASE\nRUN test -n "$token$TOKEN$SECRET_token"',
    "the context": "BASE\nCOPY run/secrets/token /x",
    "a mount of the context": "BASE\nRUN --mount=type=bind,target=/c cat /c/token /c/run/secrets/token",
    "another id": "BASE\nRUN --mount=type=secret,id=other cat /run/secrets/token",
    "a path of it": "BASE\nRUN --mount=type=secret,id=../token cat /run/secrets/token",
    "a file in it": "BASE\nRUN --mount=type=secret,id=token/x cat /run/secrets/token /run/secrets/x",
    "a long id": f"BASE\nRUN --mount=type=secret,id={'token' * 5000} cat /run/secrets/token",
    "the key of SSH": "BASE\nRUN --mount=type=ssh,id=token cat $SSH_AUTH_SOCK",
}


@pytest.mark.parametrize("script", READS.values(), ids=READS)
async def test_a_secret_is_only_where_it_is_mounted(bench: Bench, script: str) -> None:
    error = await bench.refused(script)
    assert bench.value.decode() not in f"{error} {error.log}"


@pytest.mark.parametrize("wanted", ["token", "a/b", "..", "$HOME", "x" * 5000])
async def test_a_missing_secret_is_named(bench: Bench, wanted: str) -> None:
    error = await bench.refused(f"BASE\nRUN --mount=type=secret,id={wanted},required=true true", given=False)
    assert error.reason is Reason.SECRET_NOT_LISTED
    shown = error.facts["name"]
    assert shown == shortened(wanted, len(shown)) != ""


async def test_a_build_can_do_without_a_secret(bench: Bench) -> None:
    line = "RUN --mount=type=secret,id=token,required=false cat /run/secrets/token || echo without"
    log = await bench.build(f"BASE\n{line}", given=False)
    assert "without" in log
    assert "this build does not get the secret token" in log
    assert bench.value.decode() in await bench.build(f"BASE\nRUN true\n{line}")


async def test_a_layer_made_with_a_secret_does_not_reach_another_repository(bench: Bench) -> None:
    line = "RUN --mount=type=secret,id=token,required=false cp /run/secrets/token /copied || echo without"
    script = f"BASE\n{line}\nRUN cat /copied || echo nothing"
    assert bench.value.decode() in await bench.build(script)
    log = await bench.build(script, cache=VICTIM, given=False)
    assert bench.value.decode() not in log
    assert "nothing" in log
    assert "CACHED" in await bench.build(script), "the repository itself has a cache"
    # Nor does it reach an approved stranger's build, nor a build of the same repository without it.
    for cache in (f"{SHOP}!7", SHOP):
        assert bench.value.decode() not in await bench.build(script, cache=cache, given=False)


async def test_what_a_dockerfile_copies_is_in_its_image_and_in_no_other(bench: Bench) -> None:
    """Nothing can prevent the first; a person with write access has put it there."""
    await bench.build(f"BASE\n{LEAK}")
    assert bench.image_holds(bench.value)
    other = Bench(bench.builder, bench.folder, bench.base, bench.instance, bench.sdk)
    await other.build(f"BASE\n{LEAK}", cache=VICTIM)
    assert other.image_holds(other.value)
    assert not other.image_holds(bench.value)


async def test_builds_at_the_same_time_have_each_their_own(bench: Bench) -> None:
    others = [replace(bench, value=f"v{n}-{uuid.uuid4().hex}".encode()) for n in range(4)]
    script = f"BASE\nRUN {MOUNT} cat /run/secrets/token; find / -name token ! -path '/proc/*' | xargs cat"
    logs = await asyncio.gather(
        *(one.build(script, cache=f"chatops/team/{number}") for number, one in enumerate(others))
    )
    for one, log in zip(others, logs, strict=True):
        assert log.count(one.value.decode()) == 2
        assert not any(other.value.decode() in log for other in others if other is not one)


async def test_hundreds_of_mounts_are_answered(bench: Bench) -> None:
    mounts = " ".join(f"--mount=type=secret,id=token,target=/s/{number}" for number in range(300))
    log = await bench.build(f"BASE\nRUN {mounts} cat /s/* | grep -o s3cret | wc -l")
    assert "300" in log


def test_an_order_does_not_show_a_value(tmp_path: Path) -> None:
    shown = repr(order(tmp_path, "a:1", {}, secrets={"token": b"s3cret"}))
    assert "token" in shown
    assert "s3cret" not in shown
