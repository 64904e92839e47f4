"""The client of the Docker engine, with fake engines on a socket."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from bot.core.admission.images import ImagePolicy
from bot.model.account import RegistryAccount
from bot.model.errors import GiveUp, RetryLater, TellUser
from bot.model.holder import ANYONE
from bot.model.reason import Reason
from bot.runners import lines, response_body
from bot.runners.cleanup import uninterrupted
from bot.runners.docker import engine as engine_module
from bot.runners.docker.builder import DockerBuilder
from bot.runners.docker.connection import connector, resolve
from bot.runners.docker.credentials import Credentials
from bot.runners.docker.engine import DockerEngine, EngineFault, EngineRefused, negotiate
from bot.runners.docker.platform import DockerPlatform
from bot.sandbox.process import ProcessSandbox
from tests.fakes.log import FakeLog
from tests.real.parts import order
from tests.runners.conftest import KEY

Handler = Callable[[web.Request], Any]


@asynccontextmanager
async def fake_engine(folder: Path, routes: dict[str, Handler]) -> AsyncIterator[DockerEngine]:
    """Serve these answers on a socket, as an engine does, and connect to it."""

    async def version(_: web.Request) -> web.Response:
        return web.json_response({"ApiVersion": "1.41", "MinAPIVersion": "1.12"})

    app = web.Application(client_max_size=1 << 24)
    app.router.add_get("/version", version)
    for path, handler in routes.items():
        app.router.add_route("*", f"/v1.41{path}", handler)
    runner = web.AppRunner(app, shutdown_timeout=0.1, handler_cancellation=True)
    await runner.setup()
    await web.UnixSite(runner, str(folder / "engine.sock")).start()
    engine = await DockerEngine.connect(f"unix://{folder}/engine.sock")
    try:
        yield engine
    finally:
        await engine.close()
        await runner.cleanup()


@pytest.mark.parametrize(
    ("newest", "oldest", "chosen"),
    [("1.41", "1.12", "1.41"), ("1.44", "1.24", "1.44"), ("1.52", "1.44", "1.44"), ("1.60", "1.50", "1.50")],
)
def test_the_newest_common_api_version_is_used(newest: str, oldest: str, chosen: str) -> None:
    assert negotiate(newest, oldest) == chosen


@pytest.fixture(autouse=True)
def no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))


def test_engine_is_found_as_the_docker_cli_finds_it(monkeypatch: pytest.MonkeyPatch) -> None:
    assert resolve().socket == "/var/run/docker.sock"
    monkeypatch.setenv("DOCKER_HOST", "tcp://10.0.0.5:2375")
    assert resolve().origin == "http://10.0.0.5:2375"
    assert resolve("unix:///run/other.sock").socket == "/run/other.sock"


@pytest.mark.parametrize("host", ["ssh://root@there", "npipe:////./pipe/x", "fd://", "ftp://x"])
def test_unsupported_addresses_are_reported(host: str) -> None:
    with pytest.raises(GiveUp) as caught:
        resolve(host)

    assert caught.value.reason is Reason.NOT_SUPPORTED


def test_missing_certificates_are_reported(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DOCKER_HOST", "tcp://x:2376")
    monkeypatch.setenv("DOCKER_TLS_VERIFY", "1")
    monkeypatch.setenv("DOCKER_CERT_PATH", str(tmp_path / "absent"))

    with pytest.raises(GiveUp):
        resolve()


async def test_tls_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("ca.pem", "cert.pem", "key.pem"):
        (tmp_path / name).touch()
    monkeypatch.setenv("DOCKER_HOST", "tcp://x:2376")
    monkeypatch.setenv("DOCKER_TLS_VERIFY", "1")
    monkeypatch.setenv("DOCKER_CERT_PATH", str(tmp_path))

    target = resolve()

    assert target.origin == "https://x:2376"
    # The files are empty; the error shows that they are read.
    with pytest.raises(OSError, match=r"PEM|X509|SSL"):
        connector(target)


async def test_a_missing_engine_is_retried_later(tmp_path: Path) -> None:
    engine = await DockerEngine.connect(f"unix://{tmp_path}/absent.sock")
    platform = DockerPlatform(engine, instance="test", firewall="off")
    builder = DockerBuilder(engine, ProcessSandbox(), instance="test")

    with pytest.raises(RetryLater) as caught:
        await platform.remove(KEY, ANYONE)
    with pytest.raises(RetryLater):
        await builder.build(order(tmp_path, "x:1", {"Dockerfile": "FROM scratch"}), FakeLog())
    with pytest.raises(RetryLater):
        await builder.push("x:1", FakeLog())

    assert caught.value.reason is Reason.ENGINE_UNAVAILABLE
    assert "absent.sock" in str(await platform.ping())
    await engine.close()


async def test_an_engine_that_starts_later_is_used(tmp_path: Path) -> None:
    engine = await DockerEngine.connect(f"unix://{tmp_path}/engine.sock")
    with pytest.raises(EngineFault):
        await engine.get("/info")

    async def info(_: web.Request) -> web.Response:
        return web.json_response({"Name": "here"})

    async with fake_engine(tmp_path, {"/info": info}):
        assert await engine.get("/info") == {"Name": "here"}
    await engine.close()


@pytest.mark.parametrize(("status", "kind"), [(500, EngineFault), (503, EngineFault), (404, EngineRefused)])
async def test_responses_are_classified(tmp_path: Path, status: int, kind: type[Exception]) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.json_response({"message": "because"}, status=status)

    async with fake_engine(tmp_path, {"/info": answer, "/containers/x/start": answer}) as engine:
        for asking in (engine.get("/info"), engine.short(lambda api: api.start("x"))):
            with pytest.raises(kind) as caught:
                await asking
            assert (caught.value.message, caught.value.status) == ("because", status)  # type: ignore[attr-defined] # of either


async def test_an_engine_that_dies_during_a_call_is_retried_later(tmp_path: Path) -> None:
    async def die(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        response.enable_chunked_encoding()
        await response.prepare(request)
        await response.write(b'{"stream":"Step 1/1 : FROM scratch"}\n')
        assert request.transport is not None
        request.transport.close()
        return response

    async with fake_engine(tmp_path, {"/build": die}) as engine:
        builder = DockerBuilder(engine, ProcessSandbox(), instance="test")
        with pytest.raises(EngineFault):
            await builder.build(order(tmp_path, "x:1", {"Dockerfile": "FROM scratch"}), FakeLog())


async def never_ending(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    response.enable_chunked_encoding()
    await response.prepare(request)
    await asyncio.Event().wait()
    return response


async def test_a_connection_that_is_lost_before_its_body_is_read_is_a_fault(tmp_path: Path) -> None:
    async with fake_engine(tmp_path, {"/events": never_ending}) as engine:
        with pytest.raises(EngineFault, match="Connection closed"):
            await read_after_losing_the_connection(engine)


async def read_after_losing_the_connection(engine: DockerEngine) -> None:
    async with engine.open("GET", "/events") as response:
        assert response.connection is not None
        assert response.connection.protocol is not None
        response.connection.protocol.close()
        async for message in engine.messages(response):
            raise AssertionError(message)


async def test_a_connection_that_is_lost_while_its_request_is_sent_is_a_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(response_body, "LOOK", 0.05)
    async with fake_engine(tmp_path, {"/build": never_ending}) as engine:
        with pytest.raises(EngineFault, match="the connection is lost"):
            await read_after_losing_the_connection_while_sending(engine)


async def read_after_losing_the_connection_while_sending(engine: DockerEngine) -> None:
    lost = asyncio.Event()

    async def body() -> AsyncIterator[bytes]:
        yield b"x"
        await lost.wait()

    async with engine.open("POST", "/build", data=body()) as response:
        assert response.connection is not None
        assert response.connection.transport is not None
        # The end of the request is written before aiohttp hears of the loss.
        lost.set()
        response.connection.transport.close()
        async with asyncio.timeout(30):
            async for message in engine.messages(response):
                raise AssertionError(message)


async def test_calls_to_a_hanging_engine_time_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def hang(_: web.Request) -> web.Response:
        await asyncio.Event().wait()
        raise AssertionError

    async with fake_engine(tmp_path, {"/info": hang}) as engine:
        monkeypatch.setattr(engine_module, "TIMEOUT", 0.1)
        with pytest.raises(EngineFault):
            await engine.get("/info")


async def test_an_engine_without_buildkit_is_reported_as_the_operators_problem(tmp_path: Path) -> None:
    async def build(request: web.Request) -> web.Response:
        await request.read()
        return web.json_response({"message": "buildkit is not enabled on daemon"}, status=400)

    async with fake_engine(tmp_path, {"/build": build}) as engine:
        builder = DockerBuilder(engine, ProcessSandbox(), instance="t")
        with pytest.raises(EngineRefused) as caught:
            await builder.build(order(tmp_path, "x:1", {"Dockerfile": "FROM scratch"}), FakeLog())

    assert caught.value.facts == {"message": "buildkit is not enabled on daemon"}


def without_session(step: bytes) -> str:
    """Return what the engine answers when BuildKit needs a session in this step."""
    error = b"no active sessions"
    vertex = b"\x0a\x01x\x1a" + bytes([len(step)]) + step + b"\x3a" + bytes([len(error)]) + error
    status = base64.b64encode(b"\x0a" + bytes([len(vertex)]) + vertex).decode()
    messages = (
        {"id": "moby.buildkit.trace", "aux": status},
        {"error": "failed to solve: no active sessions"},
    )
    return "".join(f"{json.dumps(message)}\n" for message in messages)


@dataclass
class PullingEngine:
    """An engine whose BuildKit cannot load a base image until the engine has pulled it, or never can."""

    step: bytes
    hopeless: bool = False
    builds: int = 0
    pulled: list[tuple[str, str, str | None]] = field(default_factory=list)

    async def build(self, request: web.Request) -> web.Response:
        await request.read()
        self.builds += 1
        done = json.dumps({"id": "moby.image.id", "aux": {"ID": "sha256:00"}})
        return web.Response(text=done if self.pulled and not self.hopeless else without_session(self.step))

    async def pull(self, request: web.Request) -> web.Response:
        auth = json.loads(base64.urlsafe_b64decode(request.headers["X-Registry-Auth"]))
        self.pulled.append((request.query["fromImage"], request.query["tag"], auth.get("password")))
        return web.Response(text='{"status":"Pull complete","id":"ab"}\n')

    async def inspect(self, request: web.Request) -> web.Response:
        known = request.match_info["name"] == "sha256:00" or self.pulled
        return web.json_response({"Id": "sha256:00", "Size": 7, "Config": {}}, status=200 if known else 404)

    async def run(self, folder: Path) -> None:
        """Build an image, with an account at the registry `r:1`."""
        routes: dict[str, Handler] = {
            "/build": self.build,
            "/images/create": self.pull,
            "/images/{name:.*}/json": self.inspect,
        }
        policy = ImagePolicy("r:1", bases=("r:1/base",))
        credentials = Credentials(RegistryAccount("r:1", "u", "p"), policy=policy)
        async with fake_engine(folder, routes) as engine:
            builder = DockerBuilder(engine, ProcessSandbox(), instance="t", credentials=credentials)
            await builder.build(order(folder, "x:1", {"Dockerfile": "FROM scratch"}), FakeLog())


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        (b"[internal] load metadata for r:1/base:1", ("r:1/base", "1", "p")),
        (
            b"resolve image config for docker-image://docker.io/docker/dockerfile:1",
            ("docker.io/docker/dockerfile", "1", None),
        ),
    ],
    ids=["base image", "syntax"],
)
async def test_images_that_buildkit_cannot_load_are_pulled_by_the_engine(
    tmp_path: Path, step: bytes, expected: tuple[str, str, str | None]
) -> None:
    engine = PullingEngine(step)

    await engine.run(tmp_path)

    assert (engine.builds, engine.pulled) == (2, [expected])


async def test_a_base_image_is_pulled_only_once(tmp_path: Path) -> None:
    engine = PullingEngine(b"[internal] load metadata for r:1/base:1", hopeless=True)

    with pytest.raises(TellUser) as caught:
        await engine.run(tmp_path)

    assert caught.value.reason is Reason.BASE_IMAGE_MISSING
    assert engine.builds == 2


async def test_messages_are_split_across_chunks_and_huge_ones_skipped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lines, "BYTES_LIMIT", 1_000)
    body = b'{"a":1}\r\nnot json\n[1]\n{"b":"' + b"x" * 5_000 + b'"}\n{"c":3}'

    async def stream(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for at in range(0, len(body), 700):
            await response.write(body[at : at + 700])
            await asyncio.sleep(0)
        return response

    async with (
        fake_engine(tmp_path, {"/events": stream}) as engine,
        engine.open("GET", "/events") as response,
    ):
        found = [message async for message in engine.messages(response)]

    assert {"a": 1} in found
    assert {"c": 3} in found
    assert len(found) == 2


async def test_a_short_call_completes_when_cancelled() -> None:
    begun, may_end, ended = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def work() -> None:
        begun.set()
        await may_end.wait()
        ended.set()

    task = asyncio.create_task(uninterrupted(work()))
    await begun.wait()
    task.cancel()
    await asyncio.sleep(0)
    assert not task.done()
    may_end.set()

    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended.is_set()


async def test_the_bots_account_overrides_the_docker_clis(tmp_path: Path) -> None:
    folder = tmp_path / "docker"
    folder.mkdir()
    auths = {host: {"auth": base64.b64encode(b"cli:secret").decode()} for host in ("r:1", "r:2")}
    (folder / "config.json").write_text(json.dumps({"auths": auths}))
    policy = ImagePolicy("r:1", "a", ("r:2/base/*",))
    credentials = Credentials(RegistryAccount("r:1", "bot", "own"), policy=policy)

    def user(header: dict[str, str]) -> str | None:
        found: str | None = json.loads(base64.urlsafe_b64decode(header["X-Registry-Auth"])).get("username")
        return found

    assert user(await credentials.to_push("r:1/a/b:1")) == "bot"
    assert user(await credentials.to_push("r:2/a@sha256:00")) == "cli"
    assert user(await credentials.to_push("r:3/a")) is None
    pulled = {
        reference: user(await credentials.to_pull(reference, "r:1/a/b"))
        for reference in ("r:1/a/b:1", "r:1/a/c:1", "r:1/base/c", "r:2/base/python@sha256:00", "r:2/other")
    }
    assert pulled == {
        "r:1/a/b:1": "bot",
        "r:1/a/c:1": None,
        "r:1/base/c": None,
        "r:2/base/python@sha256:00": "cli",
        "r:2/other": None,
    }
