"""A real PostgreSQL server for the test session, with a new database for each test."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.real.parts import PATIENCE
from tests.real.ports import free_port

OPTIONS = {
    "listen_addresses": "127.0.0.1",
    "fsync": "on",
    "synchronous_commit": "on",
    "max_connections": "200",
    "shared_buffers": "32MB",
    "logging_collector": "off",
    "wal_retrieve_retry_interval": "200ms",
}
SERVER = "postgres"
SUPERUSER = "chatops"
SLOW_MACHINE = "-c%20idle_in_transaction_session_timeout%3D120s"
"""Option of a URL for tests that freeze no bot: a loaded machine may stop one for longer than bots permit."""


class PostgresServer:
    """A server with its own port and folder. It writes to the disk, with fsync, as in production."""

    def __init__(self, copied_from: "PostgresServer | None" = None) -> None:
        """Start a new server, or a standby with a copy of another one's data."""
        self.port = free_port()
        # Not below pytest's folder, which the user of the server must not enter.
        self._folder = Path(tempfile.mkdtemp(prefix="chatops-pg-"))
        self._user = unprivileged()
        self._data = self._folder / "data"
        if self._user is not None:
            os.chown(self._folder, self._user, -1)
        to = ("-D", str(self._data), "--no-sync", "-U", SUPERUSER)
        if copied_from is None:
            self._make("initdb", *to, "-A", "trust", "-E", "UTF8")
        else:
            self._make(
                "pg_basebackup", *to, "-R", "-c", "fast", "-h", "127.0.0.1", "-p", str(copied_from.port)
            )
        self._process = self._started()

    def _make(self, program: str, *arguments: str) -> None:
        subprocess.run(  # noqa: S603 - constant arguments
            [_program(program), *arguments], check=True, stdout=subprocess.DEVNULL, **self._as_user()
        )

    @property
    def pid(self) -> int:
        """Pid of the postmaster."""
        return self._process.pid

    def url(self, database: str = "postgres") -> str:
        """Return the `[store] url` of a database."""
        return f"postgresql://{SUPERUSER}@127.0.0.1:{self.port}/{database}"

    def execute(self, statement: str, *, wait: int = 60) -> list[tuple[Any, ...]]:
        """Execute one statement in the database `postgres` and return its rows; wait so long to connect."""
        with closing(psycopg.connect(self.url(), autocommit=True, connect_timeout=wait)) as connection:
            done = connection.execute(statement.encode())
            return done.fetchall() if done.description else []

    def create(self) -> str:
        """Create an empty database and return its name."""
        name = f"test_{uuid.uuid4().hex[:12]}"
        self.execute(f"CREATE DATABASE {name}")
        return name

    def drop(self, name: str) -> None:
        """Drop a database, even with open connections."""
        self.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def crash(self) -> None:
        """Stop at once, as `pg_ctl stop -m immediate` does; the next start recovers committed data."""
        self._process.send_signal(signal.SIGQUIT)
        self._process.wait(PATIENCE)

    def stop(self) -> None:
        """Stop, as `pg_ctl stop -m fast` does: sessions end, and everything is written."""
        self._process.send_signal(signal.SIGINT)
        self._process.wait(PATIENCE)

    def discard(self) -> None:
        """Remove the folder of a server that was stopped or has crashed."""
        shutil.rmtree(self._folder)

    def start(self) -> None:
        """Start again after a crash."""
        self._process = self._started()

    def remove(self) -> None:
        """Stop the server and remove its folder."""
        self.stop()
        self.discard()

    def _started(self) -> subprocess.Popen[bytes]:
        options = [f"--{name}={value}" for name, value in OPTIONS.items()]
        where = ["-D", str(self._data), "-p", str(self.port), "-k", str(self._folder)]
        log = self._folder / "server.log"
        with log.open("ab") as output:
            process = subprocess.Popen(  # noqa: S603 - constant arguments
                [_program(SERVER), *where, *options], stdout=output, stderr=output, **self._as_user()
            )
        deadline = time.monotonic() + PATIENCE
        while not self._answers():
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"PostgreSQL does not start:\n{log.read_text()}")
            time.sleep(0.02)
        return process

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.url(), connect_timeout=5).close()
        except psycopg.OperationalError:
            return False
        return True

    def _as_user(self) -> dict[str, Any]:
        inside: dict[str, Any] = {"cwd": self._folder}
        return inside if self._user is None else {**inside, "user": self._user, "extra_groups": []}


def _program(name: str) -> str:
    """Return the newest installed version of a program; on Debian, those of the server are not on PATH."""
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda path: int(path.parts[4]))
    program = str(found[-1]) if found else shutil.which(name)
    assert program, f"{name} is not installed: `make setup-test` does it"
    return program


def unprivileged() -> int | None:
    """Return the user for the server, because PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name: entry.pw_uid for entry in pwd.getpwall()}
    return known.get("postgres", known.get("nobody"))


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    server = PostgresServer()
    yield server
    server.remove()


@pytest.fixture
def postgres_url(postgres: PostgresServer) -> Iterator[str]:
    """Provide the `[store] url` of a new database for this test."""
    name = postgres.create()
    yield postgres.url(name)
    postgres.drop(name)


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Provide the `[store] url` of an empty database, once for SQLite and once for PostgreSQL."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/state/chatops.db"
    url: str = request.getfixturevalue("postgres_url")
    return f"{url}?options={SLOW_MACHINE}"
