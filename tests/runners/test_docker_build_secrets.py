"""Secrets of builds with a real engine: `RUN --mount=type=secret` gets them, and nothing else does."""

import asyncio
import contextlib
import hashlib
import shutil
import ssl
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from pathlib import Path

import docker
import pytest

from bot.core.admission.images import ImagePolicy
from bot.model.account import RegistryAccount
from bot.model.errors import TellUser
from bot.model.reason import Reason
from bot.runners.docker.builder import DockerBuilder
from bot.runners.docker.credentials import Credentials
from bot.runners.docker.engine import DockerEngine, EngineFault, EngineRefused
from bot.runners.docker.grpc_server import GrpcServer
from bot.sandbox.process import ProcessSandbox
from tests.fakes.log import FakeLog
from tests.real.parts import RegistryProcess, private_registry
from tests.runners.test_docker_build import Bench
from tests.runners.waiting import until

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


SCRIPT = "BASE\nRUN --mount=type=secret,id=token,required=true cat /run/secrets/token; "


async def test_a_session_ends_with_its_build(bench: Bench) -> None:
    await bench.build(f"{SCRIPT} true\n", secrets={"token": b"x"})
    assert _sessions() == []
    building = asyncio.create_task(
        bench.build(f"{SCRIPT} echo started; sleep 300\n", secrets={"token": b"x"})
    )
    await until(lambda: "started" in bench.log.text or building.done())
    assert len(_sessions()) == 1
    building.cancel()
    with pytest.raises(asyncio.CancelledError):
        await building
    assert _sessions() == []


def _sessions() -> list[asyncio.Task[object]]:
    return [task for task in asyncio.all_tasks() if task.get_name() == "build session"]


async def test_a_build_whose_session_is_lost_is_retried_later(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(GrpcServer, "receive", _lose)
    with pytest.raises(EngineFault, match="session"):
        await bench.build(f"{SCRIPT} true\n", secrets={"token": b"x"})


def _lose(server: GrpcServer, _: bytes) -> bytes:
    server.ended = True
    return b""


async def test_an_engine_without_sessions_is_not_the_fault_of_the_dockerfile(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A proxy before the engine's socket may close this part of its API."""
    upgraded = DockerEngine.upgraded

    def elsewhere(
        engine: DockerEngine, path: str, protocol: str, headers: Mapping[str, str]
    ) -> AbstractAsyncContextManager[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        return upgraded(engine, f"{path}-none", protocol, headers)

    monkeypatch.setattr(DockerEngine, "upgraded", elsewhere)
    with pytest.raises(EngineRefused) as caught:
        await bench.build(f"{SCRIPT} true\n", secrets={"token": b"x"})
    assert caught.value.facts == {"message": "/session-none is not available"}


@pytest.mark.parametrize("encrypted", [False, True], ids=["TCP", "TLS"])
async def test_an_engine_elsewhere_gives_builds_their_secrets(
    bench: Bench,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    encrypted: bool,  # noqa: FBT001 - a parameter
) -> None:
    folder = tmp_path / "certificates"
    folder.mkdir()
    context = await asyncio.to_thread(_certificate, folder) if encrypted else None
    if encrypted:
        monkeypatch.setenv("DOCKER_TLS_VERIFY", "1")
        monkeypatch.setenv("DOCKER_CERT_PATH", str(folder))
    async with await asyncio.start_server(_forward, "127.0.0.1", 0, ssl=context) as server:
        monkeypatch.setenv("DOCKER_HOST", f"tcp://127.0.0.1:{server.sockets[0].getsockname()[1]}")
        engine = await DockerEngine.connect()
        bench.builder = DockerBuilder(engine, ProcessSandbox(), instance=bench.instance, network="none")
        await bench.build(f"{SCRIPT} true\n", secrets={"token": b"from far away"})
        await engine.close()
    assert "from far away" in bench.log.text


def _certificate(folder: Path) -> ssl.SSLContext:
    """Write a certificate as the Docker CLI expects it, and return the server's side of TLS."""
    command = ("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=engine")
    files = ("-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem"))
    name = ("-addext", "subjectAltName=IP:127.0.0.1")
    subprocess.run(["/usr/bin/openssl", *command, *files, *name], check=True, capture_output=True)  # noqa: S603 - constants
    shutil.copy(folder / "cert.pem", folder / "ca.pem")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(folder / "ca.pem"))
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    return context


async def _forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Connect a client with the engine of this machine."""
    engine_reader, engine_writer = await asyncio.open_unix_connection("/var/run/docker.sock")
    async with asyncio.TaskGroup() as both:
        both.create_task(_copy(reader, engine_writer))
        both.create_task(_copy(engine_reader, writer))


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(1 << 16):
            writer.write(data)
            await writer.drain()
    writer.close()


@pytest.fixture
def locked(tmp_path: Path) -> Iterator[RegistryProcess]:
    """Provide a registry that requires a login."""
    process = private_registry(tmp_path)
    yield process
    process.stop()


async def test_a_private_base_image_is_pulled_for_a_build_with_secrets_where_the_operator_lists_it(
    bench: Bench, engine: DockerEngine, sdk: docker.DockerClient, locked: RegistryProcess
) -> None:
    """The session gives no accounts: BuildKit asks for them by host, and they are entrusted by image."""
    base = f"{locked.host}/bases/{bench.instance}:1"
    account = RegistryAccount(locked.host, "bot", "right")
    listed, unlisted = (
        replace(
            bench,
            builder=DockerBuilder(
                engine,
                ProcessSandbox(),
                instance=bench.instance,
                network="none",
                credentials=Credentials(account, policy=ImagePolicy(locked.host, bases=bases)),
            ),
        )
        for bases in ((f"{locked.host}/bases/*",), ())
    )
    await bench.build("BASE\nRUN echo of the registry > /base\n")
    assert sdk.images.get(bench.tag).tag(base)
    await listed.builder.push(base, bench.log)
    sdk.images.remove(bench.tag)
    sdk.images.remove(base)
    line = "RUN --mount=type=secret,id=token,required=true cat /base; sha256sum /run/secrets/token"
    text = f"FROM {base}\n{line}\n"

    with pytest.raises(TellUser) as caught:
        await unlisted.build(text, secrets={"token": b"x"})
    assert caught.value.reason is Reason.BASE_IMAGE_MISSING
    assert caught.value.facts == {"image": base}
    await listed.build(text, secrets={"token": b"x"})
    assert "of the registry" in bench.log.text
    assert hashlib.sha256(b"x").hexdigest() in bench.log.text
    sdk.images.remove(base)
