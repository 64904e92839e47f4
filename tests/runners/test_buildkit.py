"""Builds with `buildctl`: a fake client that accepts the documented options builds real images."""

import asyncio
import hashlib
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from typing import Any

import docker
import httpx
import pytest

from bot.core.naming import LABEL_INSTANCE
from bot.model.account import RegistryAccount
from bot.model.errors import GiveUp, RetryLater, TellUser
from bot.model.reason import Reason
from bot.ports import Built
from bot.runners.buildkit import process
from bot.runners.buildkit.builder import BuildKitBuilder
from bot.runners.buildkit.command import BuildKitOptions, build_command
from bot.runners.buildkit.context import unpack
from tests.fakes.buildctl import calls, install
from tests.fakes.log import FakeLog
from tests.real.parts import PATIENCE, RegistryProcess, order, private_registry
from tests.real.ports import free_port
from tests.runners.waiting import until

STAGES = """\
FROM {base} AS runtime
COPY greeting.txt /
ARG COLOUR=grey
RUN echo "painted $COLOUR"; cat /greeting.txt
FROM runtime AS test
RUN exit 1
"""


@dataclass
class Bench:
    """Builds Dockerfiles; `{base}` in one is the base image."""

    options: BuildKitOptions
    folder: Path
    base: str
    instance: str
    registry: str
    log: FakeLog

    @property
    def tag(self) -> str:
        return f"{self.registry}/previews/team/shop:pr-1-{self.instance[-8:]}"

    async def build(self, script: str, files: Mapping[str, str] | None = None, **more: Any) -> Built:
        text = script.replace("{base}", self.base)
        content = {"greeting.txt": "hello\n", **(files or {}), "Dockerfile": text}
        wanted = order(self.folder, self.tag, content, labels={LABEL_INSTANCE: self.instance}, **more)
        return await BuildKitBuilder(self.options).build(wanted, self.log)

    @property
    def called(self) -> list[str]:
        [call] = calls(Path(self.options.program))
        return call


@pytest.fixture
def bench(daemon: str, tmp_path: Path, registry: RegistryProcess, instance: str, base_image: str) -> Bench:
    options = BuildKitOptions(daemon, insecure=True, program=str(install(tmp_path)))
    return Bench(options, tmp_path, base_image, instance, registry.host, FakeLog())


@pytest.mark.docker
async def test_a_commit_is_built_and_pushed_with_one_call(bench: Bench) -> None:
    built = await bench.build(STAGES, target="runtime", args={"COLOUR": "red, or blue"})

    name, _, digest = built.id.partition("@")
    repository = f"http://{bench.registry}/v2/previews/team/shop"
    async with httpx.AsyncClient(base_url=repository, timeout=PATIENCE) as client:
        assert (await client.get(f"manifests/{digest}")).is_success
    assert (name, built.size) == (bench.tag.rpartition(":")[0], 0)
    assert "[4/5] RUN echo" in bench.log.text
    assert "painted red, or blue\n" in bench.log.text
    assert "hello\n" in bench.log.text


@pytest.mark.docker
async def test_pushing_returns_the_digest_of_the_build(bench: Bench) -> None:
    builder = BuildKitBuilder(bench.options)
    wanted = order(bench.folder, bench.tag, {"Dockerfile": f"FROM {bench.base}\n"})
    built = await builder.build(wanted, bench.log)

    assert await builder.push(bench.tag, bench.log) == built.id.partition("@")[2]
    with pytest.raises(RetryLater):
        await builder.push(bench.tag, bench.log)


@pytest.mark.docker
async def test_a_failed_instruction_is_reported_with_its_last_lines(bench: Bench) -> None:
    with pytest.raises(TellUser) as caught:
        await bench.build("FROM {base}\nRUN echo first; echo last >&2; exit 3\n")

    assert caught.value.reason is Reason.BUILD_FAILED
    assert caught.value.facts["code"] == "3"
    assert caught.value.facts["instruction"].startswith("RUN echo first")
    assert {"first", "last"} <= set(caught.value.log.splitlines())


@pytest.mark.docker
async def test_a_missing_base_image_is_named(bench: Bench) -> None:
    missing = f"{bench.registry}/nobody/nothing:1"
    with pytest.raises(TellUser) as caught:
        await bench.build(f"FROM {missing}\n")

    assert caught.value.reason is Reason.BASE_IMAGE_MISSING
    assert caught.value.facts == {"image": missing}


@pytest.mark.docker
async def test_a_dockerfile_in_a_folder_is_found_and_a_missing_one_reported(bench: Bench) -> None:
    await bench.build("", {"docker/app": f"FROM {bench.base}\n"}, dockerfile="docker/app")

    with pytest.raises(TellUser) as caught:
        await bench.build("", dockerfile="docker/none")
    assert caught.value.reason is Reason.NO_DOCKERFILE


@pytest.mark.docker
async def test_cancelling_stops_the_client_and_with_it_the_build(
    bench: Bench, sdk: docker.DockerClient
) -> None:
    task = asyncio.create_task(bench.build("FROM {base}\nRUN echo started; sleep 300\n"))
    await until(lambda: "started" in bench.log.text or task.done())
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    await until(lambda: not _building(sdk, bench.base))


def _building(sdk: docker.DockerClient, base: str) -> list[str]:
    """Return the containers of this base image that are still running."""
    running = sdk.api.containers(filters={"ancestor": base})
    return [one["Id"] for one in running if "sleep 300" in one["Command"]]


@pytest.mark.docker
async def test_the_client_gets_the_account_in_a_private_file(bench: Bench, tmp_path: Path) -> None:
    process_ = private_registry(tmp_path)
    tag = f"{process_.host}/team/shop:pr-1-aaaaaaaa"
    wanted = order(tmp_path, tag, {"Dockerfile": f"FROM {bench.base}\n"})
    try:
        await BuildKitBuilder(bench.options, RegistryAccount(process_.host, "bot", "right")).build(
            wanted, bench.log
        )
        with pytest.raises(GiveUp) as caught:
            await BuildKitBuilder(bench.options, RegistryAccount(process_.host, "bot", "wrong")).build(
                wanted, bench.log
            )
    finally:
        process_.stop()

    assert caught.value.reason is Reason.REGISTRY_DENIED
    assert "right" not in bench.log.text
    assert "right" not in " ".join(" ".join(call) for call in calls(Path(bench.options.program)))


@pytest.mark.docker
async def test_the_client_gets_secrets_in_memory(bench: Bench) -> None:
    values = {"token": b"s3cret", "netrc": b"machine a\nlogin b\n", "large": b"x" * (500 << 10)}
    before = _descriptors()
    await bench.build("FROM {base}\nRUN true\n", secrets=values)

    for name, value in values.items():
        assert f"secret {name} {hashlib.sha256(value).hexdigest()}\n" in bench.log.text
    assert bench.called.count("--secret") == 3
    assert not any("s3cret" in word or "machine" in word for word in bench.called)
    assert _descriptors() == before


def _descriptors() -> int:
    """Return the number of this process's files in memory."""
    links = (link for link in Path("/proc/self/fd").iterdir() if link.is_symlink())
    return sum("memfd" in str(link.readlink()) for link in links)


async def test_an_unavailable_buildkitd_is_retried_later(tmp_path: Path) -> None:
    address = f"tcp://127.0.0.1:{free_port()}"
    builder = BuildKitBuilder(BuildKitOptions(address, program=str(install(tmp_path))))
    with pytest.raises(RetryLater) as caught:
        await builder.build(order(tmp_path, "r/x:1", {"Dockerfile": "FROM scratch\n"}), FakeLog())

    assert caught.value.reason is Reason.BUILDKIT_UNAVAILABLE
    assert address.removeprefix("tcp://") in caught.value.facts["message"]
    assert str(await builder.ping()).startswith("listing workers for Build: failed to list workers")


async def test_a_buildkitd_that_answers_is_ready(daemon: str, tmp_path: Path) -> None:
    program = install(tmp_path)

    assert await BuildKitBuilder(BuildKitOptions(daemon, program=str(program))).ping() is None
    assert calls(program) == [["--addr", daemon, "debug", "workers"]]


async def test_a_missing_client_is_an_error(tmp_path: Path) -> None:
    builder = BuildKitBuilder(BuildKitOptions("tcp://b:1", program=str(tmp_path / "buildctl")))
    with pytest.raises(GiveUp) as caught:
        await builder.build(order(tmp_path, "r/x:1", {"Dockerfile": "FROM scratch\n"}), FakeLog())

    assert caught.value.reason is Reason.NOT_SUPPORTED


async def test_a_client_that_does_not_stop_is_killed_with_its_children(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "GRACE", 0.1)
    command = ("/bin/sh", "-c", "trap '' TERM; sleep 300 & echo $$; wait; wait")
    async with process.started(command, tmp_path) as running:
        pid = int(await anext(running.lines()))

    await until(lambda: not _group(pid))


def _group(pid: int) -> list[str]:
    """Return the processes of a group."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[2]) == pid and fields[0] != "Z":
            found.append(stat.parent.name)
    return found


def test_the_cache_is_per_repository_and_may_fail(tmp_path: Path) -> None:
    wanted = order(tmp_path, "h:5000/p/team/shop:pr-1-aaaaaaaa", {})
    command = build_command(wanted, BuildKitOptions("tcp://b:1", cache=True), Path("/c"), Path("/m"))

    cache = "type=registry,ref=h:5000/p/team/shop:buildcache"
    assert command[command.index("--import-cache") + 1] == cache
    options = BuildKitOptions("tcp://b:1", cache=True)
    of_a_stranger = build_command(
        replace(wanted, cache_tag="pr-1-buildcache"), options, Path("/c"), Path("/m")
    )
    assert all(f"{cache}," not in f"{part}," for part in of_a_stranger)
    assert sum("shop:pr-1-buildcache" in part for part in of_a_stranger) == 2
    kept = command[command.index("--export-cache") + 1]
    assert kept == f"{cache},mode=max,image-manifest=true,oci-mediatypes=true,ignore-error=true"


def test_address_certificates_network_and_plain_registries_are_passed_on(tmp_path: Path) -> None:
    options = BuildKitOptions("tcp://b:1", Path("/tls"), network="none", insecure=True)
    command = build_command(order(tmp_path, "h/p/x:1", {}), options, Path("/c"), Path("/m"))

    assert command[:5] == ("buildctl", "--addr", "tcp://b:1", "--tlsdir", "/tls")
    assert "force-network-mode=none" in command
    assert "type=image,name=h/p/x:1,push=true,registry.insecure=true" in command
    assert "--import-cache" not in command
    assert "force-network-mode=none" not in build_command(
        order(tmp_path, "h/p/x:1", {}), replace(options, network="default"), Path("/c"), Path("/m")
    )


@pytest.mark.attack
def test_a_hostile_archive_stays_inside_and_its_links_are_not_followed(tmp_path: Path) -> None:
    archive, outside = tmp_path / "context.tar", tmp_path / "outside"
    outside.mkdir()
    with tarfile.open(archive, "w", format=tarfile.GNU_FORMAT) as tar:
        for name, kind, link in (
            ("link", tarfile.SYMTYPE, str(outside)),
            ("kept", tarfile.SYMTYPE, "/opt/app"),
            ("pipe", tarfile.FIFOTYPE, ""),
            ("hard", tarfile.LNKTYPE, "/etc/passwd"),
        ):
            member = tarfile.TarInfo(name)
            member.type, member.linkname = kind, link
            tar.addfile(member)
        for name in ("link/through", "../escaped", f"{outside}/absolute", "bin/run"):
            member = tarfile.TarInfo(name)
            member.size, member.mode = 2, 0o6755
            tar.addfile(member, BytesIO(b"hi"))
        folder = tarfile.TarInfo("empty")
        folder.type = tarfile.DIRTYPE
        tar.addfile(folder)

    unpack(archive, tmp_path / "context")

    context = tmp_path / "context"
    assert {str(path.relative_to(context)) for path in context.rglob("*")} == {
        *("bin", "bin/run", "empty", "kept", "link", "link/through"),
    }
    assert not (context / "link").is_symlink()
    assert (context / "kept").readlink() == Path("/opt/app")
    assert (context / "bin/run").stat().st_mode & 0o7777 == 0o755
    assert list(outside.iterdir()) == []
    assert not (tmp_path / "escaped").exists()
