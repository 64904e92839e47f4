"""File stores of each kind."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.file_store import FileStore
from bot.reports.folder import FolderFileStore
from bot.store.database import Database
from bot.store.files import DatabaseFileStore
from tests.real.postgres import SLOW_MACHINE


@pytest.fixture
async def database(store_url: str) -> AsyncIterator[Database]:
    """Provide each kind of database."""
    opened = Database(store_url)
    await opened.migrate()
    yield opened
    await opened.close()


@pytest.fixture(params=["folder", "sqlite", "postgresql"])
async def file_store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[FileStore]:
    """Provide each kind of file store."""
    if request.param == "folder":
        yield FolderFileStore(tmp_path)
        return
    sqlite = request.param == "sqlite"
    url = (
        f"sqlite:///{tmp_path}/chatops.db"
        if sqlite
        else f"{request.getfixturevalue('postgres_url')}?options={SLOW_MACHINE}"
    )
    async with DatabaseFileStore.opened(database := Database(url)) as opened:
        await database.migrate()
        yield opened
