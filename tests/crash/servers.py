"""Two PostgreSQL servers: a primary, and a standby that has what the primary has acknowledged."""

import os
import signal
import time
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from tests.real.parts import PATIENCE
from tests.real.postgres import PostgresServer

INSIDE = "SELECT application_name FROM pg_stat_activity WHERE state LIKE 'idle in transaction%'"
"""Names of the bots whose sessions wait inside a transaction, once for each session."""


@dataclass
class ServerPair:
    """A primary and a synchronous standby; the standby can take over, and is replaced by a new one then."""

    primary: PostgresServer = field(default_factory=PostgresServer)
    standby: PostgresServer | None = None
    database: str = ""

    def __post_init__(self) -> None:
        self.database = self.primary.create()

    @property
    def url(self) -> str:
        """`[store] url` of the primary."""
        return self.primary.url(self.database)

    def add_standby(self) -> None:
        """Start a standby from a copy of the primary; from now on, each commit waits for it."""
        self.standby = PostgresServer(copied_from=self.primary)
        self._wait_for("SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'")
        self._set("synchronous_standby_names", "'*'")
        self._wait_for("SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'")

    def fail_over(self) -> None:
        """Promote the standby, after the primary has crashed."""
        assert self.standby is not None
        self.primary.discard()
        self.primary, self.standby = self.standby, None
        self.primary.execute("SELECT pg_promote()")

    def make_read_only(self) -> None:
        """Make all new transactions of the primary read-only, and end all sessions."""
        self._set("default_transaction_read_only", "on")
        self.primary.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname LIKE 'test_%'"
        )

    def make_writable(self) -> None:
        """Undo `make_read_only`."""
        self._set("default_transaction_read_only", "off")

    def freeze(self) -> None:
        """Stop all processes of the primary."""
        for pid in self._pids():
            os.kill(pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """Let them continue."""
        for pid in reversed(self._pids()):
            os.kill(pid, signal.SIGCONT)

    def open_transactions(self, replica: str) -> int:
        """Return how many sessions of a replica are inside a transaction; 0 if the server does not answer."""
        try:
            return self.primary.execute(INSIDE, wait=5).count((replica,))
        except psycopg.Error:
            return 0

    def remove(self) -> None:
        """Stop both servers and remove their folders."""
        self.primary.remove()
        if self.standby is not None:
            self.standby.remove()

    def _set(self, name: str, value: str) -> None:
        self.primary.execute(f"ALTER SYSTEM SET {name} = {value}")
        self.primary.execute("SELECT pg_reload_conf()")

    def _wait_for(self, statement: str) -> None:
        deadline = time.monotonic() + PATIENCE
        while not self.primary.execute(statement)[0][0]:
            assert time.monotonic() < deadline, statement
            time.sleep(0.05)

    def _pids(self) -> list[int]:
        """Return the postmaster and its children, which all have sessions of their own."""
        parent = self.primary.pid
        children = (Path(f"/proc/{parent}/task") / str(parent) / "children").read_text().split()
        return [parent, *map(int, children)]
