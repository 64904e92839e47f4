"""Bots as processes: start, kill, freeze, thaw and terminate them from outside."""

import asyncio
import json
import multiprocessing
import os
import signal
import socket
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.context import ForkServerProcess
from pathlib import Path

from tests.crash.serving import serve
from tests.real.ports import free_port

PATIENCE = 60.0
"""Seconds to wait for the start or the end of a process."""

LISTENING = b"chatops listens on"
"""What a bot prints when it has started."""

_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["tests.crash.serving"])

Sections = Mapping[str, Mapping[str, object]]


@dataclass
class Replica:
    """One bot: its port and folder stay the same for all its processes."""

    folder: Path
    sections: Sections
    remote: bool = True
    port: int = field(default_factory=free_port)
    previews: int = field(default_factory=free_port)
    starts: int = 0
    _logged: int = 0
    """Size of the log before the present process."""
    _process: ForkServerProcess | None = None

    @property
    def url(self) -> str:
        """URL of the bot."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> Path:
        """Log of all its processes."""
        return self.folder / "serve.log"

    @property
    def name(self) -> str:
        """The name under which it joined last."""
        return (self.folder / "data" / "replica").read_text().rstrip()

    @property
    def lease(self) -> str:
        """The same; empty before it has joined for the first time."""
        return self.name if (self.folder / "data" / "replica").exists() else ""

    @property
    def pid(self) -> int:
        """Pid of the current process."""
        assert self._process is not None
        assert self._process.pid is not None
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether the process is running."""
        return self._process is not None and self._process.is_alive()

    def start(self) -> None:
        """Start a process without waiting until it is ready."""
        assert not self.alive
        self.starts += 1
        self._logged = self.log.stat().st_size if self.log.exists() else 0
        config = self._write_config()
        self._process = _FORKS.Process(
            target=serve, args=(str(config), str(self.log)), kwargs={"remote": self.remote}, daemon=True
        )
        self._process.start()

    async def ready(self) -> None:
        """Wait until it accepts connections; if it ends instead, fail with the end of its log."""
        async with asyncio.timeout(PATIENCE):
            while not self._listens():
                assert self.alive, self._last_words()
                await asyncio.sleep(0.02)

    async def supervised(self) -> None:
        """Wait until it accepts connections; start it again if it ended during its start.

        Without its store a bot cannot start, and its supervisor tries again. If it ended later than that,
        fail at once with the end of its log.
        """
        async with asyncio.timeout(PATIENCE):
            while not self._listens():
                if not self.alive:
                    assert not self.ended_at_work, f"the bot has ended by itself: {self._last_words()}"
                    self.start()
                await asyncio.sleep(0.1)

    def _last_words(self) -> str:
        return self.log.read_text(errors="replace")[-4000:]

    @property
    def ended_at_work(self) -> bool:
        """Whether the process ended although it had completed its start."""
        return not self.alive and LISTENING in self.log.read_bytes()[self._logged :]

    def _listens(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
        except OSError:
            return False
        return True

    async def kill(self) -> None:
        """Kill it with SIGKILL and wait for its end."""
        self._signal(signal.SIGKILL)
        await self.gone()

    def freeze(self) -> None:
        """Stop it with SIGSTOP: it keeps its connections and does nothing."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let a frozen process continue."""
        self._signal(signal.SIGCONT)

    def terminate(self) -> None:
        """Send SIGTERM."""
        self._signal(signal.SIGTERM)

    async def terminated(self) -> None:
        """Send SIGTERM and wait for the end."""
        self.terminate()
        await self.gone()

    async def gone(self) -> int:
        """Wait for its end and return the exit code."""
        assert self._process is not None
        await asyncio.to_thread(self._process.join, PATIENCE)
        assert self._process.exitcode is not None, f"it does not exit: {self._last_words()}"
        return self._process.exitcode

    async def dispose(self) -> None:
        """Kill the process if it is running."""
        if self.alive:
            await self.kill()

    def _signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):  # It may have ended by itself.
            os.kill(self.pid, number)

    def _write_config(self) -> Path:
        server = {"port": self.port, "data_dir": str(self.folder / "data"), **self.sections.get("server", {})}
        preview = {"domain": "test.example.com", "port": self.previews, "public_port": 80}
        file = self.folder / "chatops.toml"
        self.folder.mkdir(parents=True, exist_ok=True)
        file.write_text(toml({**self.sections, "server": server, "preview": preview}))
        return file


def toml(sections: Sections) -> str:
    """Return a configuration file; strings, numbers, booleans and lists of JSON are TOML too."""
    return "\n".join(
        line
        for name, values in sections.items()
        for line in (f"[{name}]", *(f"{key} = {json.dumps(value)}" for key, value in values.items()), "")
    )
