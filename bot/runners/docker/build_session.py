"""The session of one build, in which the engine's BuildKit asks for the secrets of `RUN --mount=type=secret`.

The client opens a connection and then serves gRPC on it; the build names it by its id:
https://github.com/moby/buildkit/blob/master/session/grpc.go
"""

import asyncio
import logging
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress

from bot.model.secrets import SecretValue
from bot.model.shortening import shortened
from bot.runners.docker.engine import DockerEngine
from bot.runners.docker.grpc_server import CallRefused, GrpcServer, GrpcStatus
from bot.runners.docker.protobuf import decode, encode
from bot.runners.lines import clean

SECRETS = "/moby.buildkit.secrets.v1.Secrets/GetSecret"
"""https://github.com/moby/buildkit/blob/master/session/secrets/secrets.proto"""
CHECK = "/grpc.health.v1.Health/Check"
"""https://github.com/grpc/grpc/blob/master/doc/health-checking.md"""
_SERVING = encode({1: 1})
_CHUNK = 1 << 16
_REMEMBERED = 20
"""Missing ids that the log shows."""
_SHOWN = 100
"""Characters of an id in the log."""

log = logging.getLogger(__name__)


class SessionAnswers:
    """Answers what BuildKit asks. Registry accounts are not answered, so that it pulls without one.

    It asks for them by the registry's host, but the bot's accounts are entrusted by image. The engine
    pulls those images itself; see `DockerBuilder`.
    """

    def __init__(self, secrets: Sequence[SecretValue]) -> None:
        self._values = {secret.name: secret.value for secret in secrets}
        self.missing: set[str] = set()
        """Ids that were asked for, and that this build does not get."""

    def __call__(self, method: str, request: bytes) -> bytes:
        """Return the response to a call. Raises CallRefused."""
        if method == CHECK:
            return _SERVING
        if method != SECRETS:
            raise CallRefused(GrpcStatus.UNIMPLEMENTED, "this session has only secrets")
        try:
            name = decode(request).text(1)
        except ValueError:
            raise CallRefused(GrpcStatus.INVALID_ARGUMENT, "the request is no message") from None
        if name not in self._values:
            if len(self.missing) < _REMEMBERED:
                self.missing.add(shortened(clean(name), _SHOWN))
            raise CallRefused(GrpcStatus.NOT_FOUND, "this build does not get it")
        return encode({1: self._values[name]})


class BuildSession:
    """A session that is being served."""

    def __init__(self, name: str, answers: SessionAnswers, served: asyncio.Task[None]) -> None:
        self.name = name
        """Its id, by which a build names it."""
        self.answers = answers
        self._served = served

    @property
    def lost(self) -> bool:
        """Whether its connection has ended, so that a build cannot have got what it asked for."""
        return self._served.done()


@asynccontextmanager
async def opened(engine: DockerEngine, secrets: Sequence[SecretValue]) -> AsyncIterator[BuildSession]:
    """Provide a session, which ends on leaving. Raises EngineFault, EngineRefused."""
    name, answers = uuid.uuid4().hex, SessionAnswers(secrets)
    headers = {
        "X-Docker-Expose-Session-Uuid": name,
        "X-Docker-Expose-Session-Name": "chatops",
        "X-Docker-Expose-Session-Sharedkey": "",
        "X-Docker-Expose-Session-Grpc-Method": SECRETS,
    }
    async with engine.upgraded("/session", "h2c", headers) as (reader, writer):
        served = asyncio.create_task(_serve(reader, writer, answers), name="build session")
        try:
            yield BuildSession(name, answers, served)
        finally:
            served.cancel()
            with suppress(asyncio.CancelledError):
                await served


async def _serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, answers: SessionAnswers) -> None:
    server, data = GrpcServer(answers), b""
    try:
        while not server.ended:
            writer.write(server.receive(data))
            await writer.drain()
            data = await reader.read(_CHUNK)
            if not data:
                return
        log.warning("the engine does not keep to HTTP/2 in the session of a build")
    except OSError as error:
        log.warning("the session of a build is lost: %s", error)
