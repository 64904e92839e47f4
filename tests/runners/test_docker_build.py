"""Builds and pushes with a real engine and registry."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import docker
import pytest

from bot.core.admission.images import ImagePolicy
from bot.core.naming import LABEL_INSTANCE
from bot.model.account import RegistryAccount
from bot.model.errors import GiveUp, RetryLater, TellUser
from bot.model.reason import Reason
from bot.ports import Built
from bot.runners.docker.builder import DockerBuilder
from bot.runners.docker.credentials import Credentials
from bot.runners.docker.engine import DockerEngine
from bot.sandbox.process import ProcessSandbox
from tests.fakes.log import FakeLog
from tests.real.long_command import LongCommand
from tests.real.parts import RegistryProcess, order, private_registry
from tests.real.ports import free_port
from tests.runners.waiting import until

pytestmark = pytest.mark.docker

STAGES = """\
BASE AS runtime
ARG COLOUR=grey
RUN echo "painted $COLOUR"; echo "to stderr" >&2
EXPOSE 9000/tcp 53/udp 8080
FROM runtime AS test
RUN echo never; exit 1
"""


@dataclass
class Bench:
    """Builds Dockerfiles; `BASE` in them stands for instructions that are not in any cache."""

    builder: DockerBuilder
    folder: Path
    base: str
    instance: str
    log: FakeLog

    @property
    def tag(self) -> str:
        return f"chatops-{self.instance}:built"

    async def build(self, script: str, files: Mapping[str, str] | None = None, **more: Any) -> Built:
        text = script.replace("BASE", f"FROM {self.base} AS base\nENV ONLY={self.instance}\nFROM base")
        wanted = order(self.folder, self.tag, {**(files or {}), "Dockerfile": text}, **more)
        return await self.builder.build(wanted, self.log)


@pytest.fixture
def bench(engine: DockerEngine, instance: str, base_image: str, tmp_path: Path) -> Bench:
    builder = DockerBuilder(engine, ProcessSandbox(), instance=instance, network="none")
    return Bench(builder, tmp_path, base_image, instance, FakeLog())


async def test_builds_one_target_with_arguments_and_labels(bench: Bench, sdk: docker.DockerClient) -> None:
    built = await bench.build(
        STAGES, target="runtime", args={"COLOUR": "red"}, labels={"chatops.number": "12"}
    )

    image = sdk.images.get(bench.tag)
    assert (image.id, image.attrs["Size"]) == (built.id, built.size)
    assert built.ports == (8080, 9000)
    assert {"chatops.number": "12", LABEL_INSTANCE: bench.instance}.items() <= image.labels.items()
    assert "painted red\n" in bench.log.text
    assert "to stderr\n" in bench.log.text
    assert "\x1b" not in bench.log.text


async def test_a_log_has_step_headers_output_and_cached_steps(bench: Bench) -> None:
    script = f"BASE\nRUN echo {bench.instance}\n"

    await bench.build(script)
    first = bench.log.text.splitlines()
    await bench.build(script)

    header = next(line for line in first if line.endswith(f"RUN echo {bench.instance}"))
    number = header.split()[0]
    assert number.startswith("#")
    assert f"{number} {bench.instance}" in first
    assert f"{number} CACHED" not in first
    assert f"{number} CACHED" in bench.log.text.splitlines()


async def test_applies_dockerignore(bench: Bench) -> None:
    files = {
        ".dockerignore": "# not these\n*.txt\nsecrets/\n!keep.txt\n",
        "keep.txt": "",
        "secret.txt": "",
        "secrets/key": "",
        "sub/deep.txt": "",
    }

    await bench.build("BASE\nCOPY . /ctx\nRUN find /ctx -type f | sort\n", files)

    found = {
        word for line in bench.log.text.splitlines() for word in line.split() if word.startswith("/ctx/")
    }
    assert found == {"/ctx/.dockerignore", "/ctx/Dockerfile", "/ctx/keep.txt", "/ctx/sub/deep.txt"}


async def test_a_failed_run_instruction_is_reported_with_exit_code_and_last_lines(bench: Bench) -> None:
    with pytest.raises(TellUser) as caught:
        await bench.build("BASE\nRUN echo earlier\nRUN echo boom; echo why >&2; exit 3\n")

    assert caught.value.reason is Reason.BUILD_FAILED
    assert caught.value.facts == {"instruction": "RUN echo boom; echo why >&2; exit 3", "code": "3"}
    assert sorted(caught.value.log.splitlines()) == ["boom", "why"]


@pytest.mark.parametrize(
    ("dockerfile", "reason", "fact"),
    [
        ("FROM scratch\nFETCH it\n", Reason.DOCKERFILE_INVALID, "unknown instruction: FETCH"),
        ("# nothing\n", Reason.DOCKERFILE_INVALID, "file with no instructions"),
        ("", Reason.DOCKERFILE_INVALID, "cannot be empty"),
        ("BASE\nCOPY missing /\n", Reason.BUILD_FAILED, "COPY missing /"),
        ("FROM scratch AS one\nFROM scratch AS two\n", Reason.TARGET_UNKNOWN, "three"),
    ],
    ids=["syntax", "comment", "empty", "copy", "target"],
)
async def test_errors_in_the_dockerfile_are_reported(
    bench: Bench, dockerfile: str, reason: Reason, fact: str
) -> None:
    with pytest.raises(TellUser) as caught:
        await bench.build(dockerfile, target="three" if reason is Reason.TARGET_UNKNOWN else None)

    assert caught.value.reason is reason
    assert fact in " ".join(caught.value.facts.values())
    assert "LLB" not in str(caught.value)


async def test_a_missing_dockerfile_is_reported(bench: Bench) -> None:
    with pytest.raises(TellUser) as caught:
        await bench.build("FROM scratch\n", dockerfile="docker/App.Dockerfile")

    assert caught.value.reason is Reason.NO_DOCKERFILE
    assert caught.value.facts == {"path": "docker/App.Dockerfile"}


async def test_a_missing_base_image_is_reported(bench: Bench, registry: RegistryProcess) -> None:
    base = f"{registry.host}/team/absent:1"

    with pytest.raises(TellUser) as caught:
        await bench.build(f"FROM {base}\n")

    assert (caught.value.reason, caught.value.facts) == (Reason.BASE_IMAGE_MISSING, {"image": base})


async def test_an_unreachable_registry_of_the_base_image_is_retried_later(bench: Bench) -> None:
    with pytest.raises(RetryLater) as caught:
        await bench.build(f"FROM 127.0.0.1:{free_port()}/team/base:1\n")

    assert caught.value.reason is Reason.REGISTRY_UNAVAILABLE
    assert "connection refused" in caught.value.facts["message"]


async def test_endless_lines_are_cut_and_the_build_continues(bench: Bench) -> None:
    await bench.build("BASE\nRUN head -c 3000000 /dev/zero | tr '\\0' x; echo; echo the end\n")

    assert max(map(len, bench.log.text.splitlines())) < 2_100
    assert "the end\n" in bench.log.text


async def test_cancelling_stops_the_build_in_the_engine(bench: Bench) -> None:
    long_command = LongCommand(bench.instance)
    building = asyncio.create_task(bench.build(f"BASE\nRUN echo begun; {long_command.command}\n"))
    await until(lambda: long_command.runs)

    building.cancel()
    with pytest.raises(asyncio.CancelledError):
        await building

    await until(lambda: not long_command.runs)


async def test_pushes_and_returns_the_digest_that_the_registry_knows(
    bench: Bench, registry: RegistryProcess, sdk: docker.DockerClient
) -> None:
    tag = f"{registry.host}/team/{bench.instance}:pr-1-abc"
    # A unique layer: otherwise the registry may mount it from the image of another test.
    await bench.build(f"BASE\nRUN echo {bench.instance} > /once\n")
    assert sdk.images.get(bench.tag).tag(tag)

    digest = await bench.builder.push(tag, bench.log)

    assert sdk.images.get_registry_data(tag).id == digest
    assert "Pushed" in bench.log.text


async def test_a_private_registry_accepts_only_the_bots_account(
    bench: Bench, sdk: docker.DockerClient, tmp_path: Path, engine: DockerEngine
) -> None:
    process = private_registry(tmp_path)
    tag = f"{process.host}/team/{bench.instance}:1"
    await bench.build("BASE\n")
    assert sdk.images.get(bench.tag).tag(tag)
    known = DockerBuilder(
        engine,
        ProcessSandbox(),
        instance=bench.instance,
        credentials=Credentials(RegistryAccount(process.host, "bot", "right")),
    )
    try:
        with pytest.raises(GiveUp) as caught:
            await bench.builder.push(tag, bench.log)
        digest = await known.push(tag, bench.log)
    finally:
        process.stop()

    assert caught.value.reason is Reason.REGISTRY_DENIED
    assert caught.value.facts == {"repository": f"{process.host}/team/{bench.instance}"}
    assert digest.startswith("sha256:")


async def test_base_images_of_a_private_registry_are_pulled_with_the_bots_account(
    bench: Bench, sdk: docker.DockerClient, tmp_path: Path, engine: DockerEngine
) -> None:
    process = private_registry(tmp_path)
    bases = [f"{process.host}/team/{bench.instance}:{number}" for number in (1, 2)]
    account = RegistryAccount(process.host, "bot", "right")
    policy = ImagePolicy(process.host, bases=(f"{process.host}/team/*",))
    bench.builder = DockerBuilder(
        engine, ProcessSandbox(), instance=bench.instance, credentials=Credentials(account, policy=policy)
    )
    try:
        for base in bases:
            await bench.build(f"BASE\nRUN echo {base} > /base\n")
            assert sdk.images.get(bench.tag).tag(base)
            await bench.builder.push(base, bench.log)
            sdk.images.remove(bench.tag)
            sdk.images.remove(base)
        one, two = bases
        await bench.build(f"FROM {one} AS one\nFROM {two}\nCOPY --from=one /base /one\nRUN cat /one /base\n")
    finally:
        process.stop()

    assert all(f"{base}\n" in bench.log.text for base in bases)
    assert bench.log.text.count("pulling ") == 2


async def test_a_push_to_an_unavailable_registry_is_retried_later(
    bench: Bench, sdk: docker.DockerClient
) -> None:
    tag = f"127.0.0.1:{free_port()}/team/app:1"
    await bench.build("BASE\n")
    assert sdk.images.get(bench.tag).tag(tag)

    with pytest.raises(RetryLater) as caught:
        await bench.builder.push(tag, bench.log)

    assert caught.value.reason is Reason.REGISTRY_UNAVAILABLE
