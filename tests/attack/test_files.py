"""Attempts of other accounts of the machine to read what a real `chatops serve` stores."""

import sqlite3
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.attack.raw import comment, post, send, signed
from tests.attack.serving import serving
from tests.crash.fleet import Replica

DATABASE = {"chatops.db", "chatops.db-wal", "chatops.db-shm", "chatops.db.lock"}


def mode(path: Path) -> int:
    """Return the permissions."""
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture(params=[False, True], ids=["new", "from an earlier version"])
def bot(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Replica]:
    """Provide a bot on new data, or on data that an earlier version left readable."""
    data = tmp_path / "data"
    if request.param:
        data.mkdir()
        sqlite3.connect(data / "chatops.db").close()
        (data / "chatops.db").touch()
        (data / "chatops.db").chmod(0o644)
        data.chmod(0o755)
    yield from serving(tmp_path)


def test_other_accounts_read_nothing(bot: Replica) -> None:
    assert send(bot.port, post(comment(1), signed())) == 200
    data = bot.folder / "data"
    assert mode(data) == 0o750
    files = {path.name: mode(path) for path in data.iterdir() if path.is_file()}
    assert files.keys() >= DATABASE
    assert set(files.values()) == {0o640}
    folders = [path for path in data.rglob("*") if path.is_dir()]
    assert not [path for path in folders if mode(path) & stat.S_IRWXO]
