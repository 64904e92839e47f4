import asyncio
import base64
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from bot.model.account import RegistryAccount
from bot.model.errors import GiveUp, RetryLater
from bot.model.reason import Reason
from bot.runners import lines
from bot.runners.cleanup import uninterrupted
from bot.runners.docker import engine as engine_module
from bot.runners.docker.builder import DockerBuilder
from bot.runners.docker.connection import connector, resolve
from bot.runners.docker.credentials import Credentials
from bot.runners.docker.engine import DockerEngine, EngineFault, EngineRefused, negotiate
from bot.runners.docker.platform import DockerPlatform
from tests.real.parts import Recorder, order
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
    # The files are empty: that they are refused shows that they are read.
    with pytest.raises(OSError, match=r"PEM|X509|SSL"):
        connector(target)


async def test_a_missing_engine_is_retried_later(tmp_path: Path) -> None:
    engine = await DockerEngine.connect(f"unix://{tmp_path}/absent.sock")
    platform = DockerPlatform(engine, instance="test", firewall="off")
    builder = DockerBuilder(engine, instance="test")

    with pytest.raises(RetryLater) as caught:
        await platform.remove(KEY)
    with pytest.raises(RetryLater):
        await builder.build(order(tmp_path, "x:1", {"Dockerfile": "FROM scratch"}), Recorder())
    with pytest.raises(RetryLater):
        await builder.push("x:1", Recorder())

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
        builder = DockerBuilder(engine, instance="test")
        with pytest.raises(EngineFault):
            await builder.build(order(tmp_path, "x:1", {"Dockerfile": "FROM scratch"}), Recorder())


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
        builder = DockerBuilder(engine, instance="t")
        with pytest.raises(EngineRefused) as caught:
            await builder.build(order(tmp_path, "x:1", {"Dockerfile": "FROM scratch"}), Recorder())

    assert caught.value.facts == {"message": "buildkit is not enabled on daemon"}


async def test_private_base_is_pulled_with_the_credentials_that_buildkit_lacks(tmp_path: Path) -> None:
    pulled: list[Any] = []

    async def build(request: web.Request) -> web.Response:
        await request.read()
        trace = {"error": "failed to solve: failed to authorize: no active sessions"}
        # The step that failed: "[internal] load metadata for r:1/base:1", with an error.
        name, error = b"[internal] load metadata for r:1/base:1", b"denied"
        vertex = b"\x0a\x01x" + b"\x1a" + bytes([len(name)]) + name + b"\x3a" + bytes([len(error)]) + error
        status = base64.b64encode(b"\x0a" + bytes([len(vertex)]) + vertex).decode()
        first = json.dumps({"id": "moby.buildkit.trace", "aux": status})
        done = json.dumps({"id": "moby.image.id", "aux": {"ID": "sha256:00"}})
        return web.Response(text=done if pulled else f"{first}\n{json.dumps(trace)}\n")

    async def pull(request: web.Request) -> web.Response:
        auth = json.loads(base64.urlsafe_b64decode(request.headers["X-Registry-Auth"]))
        pulled.append((request.query["fromImage"], request.query["tag"], auth["password"]))
        return web.Response(text='{"status":"Pull complete","id":"ab"}\n')

    async def inspect(request: web.Request) -> web.Response:
        known = request.match_info["name"] == "sha256:00" or pulled
        return web.json_response({"Id": "sha256:00", "Size": 7, "Config": {}}, status=200 if known else 404)

    routes: dict[str, Handler] = {"/build": build, "/images/create": pull, "/images/{name:.*}/json": inspect}
    async with fake_engine(tmp_path, routes) as engine:
        builder = DockerBuilder(
            engine, instance="t", credentials=Credentials(RegistryAccount("r:1", "u", "p"))
        )
        await builder.build(order(tmp_path, "x:1", {"Dockerfile": "FROM r:1/base:1"}), Recorder())

    assert pulled == [("r:1/base", "1", "p")]


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
    credentials = Credentials(RegistryAccount("r:1", "bot", "own"))

    async def user(reference: str) -> str | None:
        header = (await credentials.header(reference))["X-Registry-Auth"]
        found: str | None = json.loads(base64.urlsafe_b64decode(header)).get("username")
        return found

    assert await user("r:1/a/b:1") == "bot"
    assert await user("r:2/a@sha256:00") == "cli"
    assert await user("r:3/a") is None
