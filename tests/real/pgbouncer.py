"""A real PgBouncer in transaction mode, in front of the server of the test session."""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.real.parts import PATIENCE
from tests.real.ports import free_port
from tests.real.postgres import SUPERUSER, PostgresServer, unprivileged

PROGRAM = "/usr/sbin/pgbouncer"
"""Where Debian installs it; not every account has this folder on PATH."""
IGNORED = "ignore_startup_parameters = options"
"""What docs/operations.md tells operators to set."""
SESSIONS = 3
"""Fewer than the connections of one bot, so that its transactions share them."""


@contextmanager
def pooling(server: PostgresServer, *settings: str) -> Iterator[int]:
    """Run a PgBouncer with these settings too; yield its port."""
    port, user = free_port(), unprivileged()
    folder = Path(tempfile.mkdtemp(prefix="chatops-pgbouncer-"))
    (folder / "users").write_text(f'"{SUPERUSER}" ""\n')
    lines = (
        "[databases]",
        f"* = host=127.0.0.1 port={server.port}",
        "[pgbouncer]",
        "listen_addr = 127.0.0.1",
        f"listen_port = {port}",
        "unix_socket_dir =",
        "auth_type = trust",
        f"auth_file = {folder}/users",
        "pool_mode = transaction",
        f"default_pool_size = {SESSIONS}",
        *settings,
    )
    (folder / "pgbouncer.ini").write_text("\n".join((*lines, "")))
    if user is not None:
        shutil.chown(folder, user)
        folder.chmod(0o755)
    as_user: dict[str, Any] = {} if user is None else {"user": user, "extra_groups": []}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(  # noqa: S603 - constant arguments
            [program(), str(folder / "pgbouncer.ini")],
            stdout=log,
            stderr=log,
            cwd=folder,
            **as_user,
        )
    try:
        _wait(process, port, folder / "log")
        yield port
    finally:
        process.kill()
        process.wait(PATIENCE)
        shutil.rmtree(folder)


def program() -> str:
    """Return the installed program."""
    found = PROGRAM if os.access(PROGRAM, os.X_OK) else shutil.which("pgbouncer")
    assert found, "pgbouncer is not installed: `make setup-test` does it"
    return found


def _wait(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            psycopg.connect(f"postgresql://{SUPERUSER}@127.0.0.1:{port}/postgres", connect_timeout=5).close()
        except psycopg.OperationalError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"PgBouncer does not start:\n{log.read_text()}") from None
            time.sleep(0.02)
        else:
            return


@pytest.fixture
def pooled_url(postgres: PostgresServer, postgres_url: str) -> Iterator[str]:
    """Provide the `[store] url` of the database of `postgres_url`, through a PgBouncer as documented."""
    with pooling(postgres, IGNORED) as port:
        yield postgres_url.replace(f":{postgres.port}/", f":{port}/")
