"""Runs git with every feature disabled that a hostile repository or address could use.

Only our own configuration, no hooks, prompts or helpers, one protocol. Credentials are passed in the
environment, which only our own user can read, never in arguments or addresses.
"""

import asyncio
import contextlib
import os
import signal
from asyncio.subprocess import DEVNULL, PIPE, Process
from base64 import b64encode
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

OUTPUT_LIMIT = 64 << 10
"""Bytes of output that are kept; the rest is read and discarded."""
_CHUNK = 256 << 10
_PASSED_ON = frozenset(
    {"PATH", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR", "GIT_SSL_CAINFO"}
)
_FLAGS = (
    "protocol.allow=never",
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "credential.helper=",
    "transfer.fsckObjects=true",
    "http.followRedirects=false",
    "http.lowSpeedLimit=1000",
    "http.lowSpeedTime=30",
    "init.templateDir=",
    "gc.auto=0",
    "gc.packRefs=false",  # the age of a loose ref is when it was last used
    "tar.umask=0022",
)


@dataclass(frozen=True, slots=True)
class GitResult:
    """The result of a command: its exit code, and the beginning of its output."""

    code: int
    output: bytes
    errors: str


class Git:
    """Runs commands on bare repositories; `scheme` is the only protocol that fetches can use."""

    def __init__(
        self, home: Path, scheme: str, environ: Mapping[str, str], header: tuple[str, str] | None
    ) -> None:
        """`home` is an empty folder; `header` is an origin and the credential that is sent only there."""
        self._flags = [part for flag in (*_FLAGS, f"protocol.{scheme}.allow=always") for part in ("-c", flag)]
        self._environ = {name: value for name, value in environ.items() if name.upper() in _PASSED_ON} | {
            "HOME": str(home),
            "LC_ALL": "C",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_ASKPASS": "/bin/false",
        }
        self._credential = _header_environment(*header) if header else {}

    async def run(self, git_dir: Path, *arguments: str, network: bool = False) -> GitResult:
        """Run a command to its end. Cancelling kills git and every process that it started."""
        async with self.started(git_dir, arguments, network=network) as process:
            output, errors = await asyncio.gather(_head(process.stdout), _head(process.stderr))
            return GitResult(await process.wait(), output, errors.decode(errors="replace"))

    async def feed(self, git_dir: Path, *arguments: str, given: bytes) -> GitResult:
        """Run a command that reads this input before it writes more than a few bytes."""
        async with self.started(git_dir, arguments, given=True) as process:
            if process.stdin is not None:
                with contextlib.suppress(ConnectionError):  # its exit code says why it stopped reading
                    process.stdin.write(given)
                    await process.stdin.drain()
                process.stdin.close()
            output, errors = await asyncio.gather(_head(process.stdout), _head(process.stderr))
            return GitResult(await process.wait(), output, errors.decode(errors="replace"))

    async def stream(
        self, git_dir: Path, arguments: Sequence[str], target: Path, limit: int
    ) -> GitResult | None:
        """Write a command's output to a file; None if it would be larger than `limit` bytes."""
        async with self.started(git_dir, arguments) as process:
            errors = asyncio.ensure_future(_head(process.stderr))
            try:
                if not await _save(process.stdout, target, limit):
                    return None
                written = await errors
            finally:
                errors.cancel()
                await asyncio.wait({errors})
            return GitResult(await process.wait(), b"", written.decode(errors="replace"))

    @contextlib.asynccontextmanager
    async def started(
        self, git_dir: Path, arguments: Sequence[str], *, network: bool = False, given: bool = False
    ) -> AsyncIterator[Process]:
        """Start git in its own process group, which is killed on leaving if it is still running."""
        process = await asyncio.create_subprocess_exec(
            "git",
            *self._flags,
            f"--git-dir={git_dir}",
            *arguments,
            env=self._environ | (self._credential if network else {}),
            stdin=PIPE if given else DEVNULL,
            stdout=PIPE,
            stderr=PIPE,
            start_new_session=True,
        )
        try:
            yield process
        finally:
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                # Unread output would keep the pipes, and so the wait, open.
                await asyncio.gather(_head(process.stdout), _head(process.stderr))
                await process.wait()


def basic(user: str, password: str) -> str:
    """Return a header for HTTP basic authentication."""
    return f"Authorization: Basic {b64encode(f'{user}:{password}'.encode()).decode()}"


def _header_environment(origin: str, header: str) -> dict[str, str]:
    return {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"http.{origin}/.extraHeader",
        "GIT_CONFIG_VALUE_0": header,
    }


async def _head(stream: asyncio.StreamReader | None) -> bytes:
    """Read to the end but keep only the beginning: a server may send any number of messages."""
    kept = bytearray()
    while stream is not None and (chunk := await stream.read(_CHUNK)):
        kept += chunk[: OUTPUT_LIMIT - len(kept)]
    return bytes(kept)


async def _save(stream: asyncio.StreamReader | None, target: Path, limit: int) -> bool:
    size = 0
    with target.open("wb") as file:
        while stream is not None and (chunk := await stream.read(_CHUNK)):
            size += len(chunk)
            if size > limit:
                return False
            file.write(chunk)
    return True
