from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.reports.folder import FolderShelf
from bot.shelf import Shelf
from bot.store.database import Database
from bot.store.files import DatabaseShelf


@pytest.fixture
async def database(store_url: str) -> AsyncIterator[Database]:
    """Each kind of database in turn."""
    opened = Database(store_url)
    await opened.migrate()
    yield opened
    await opened.close()


@pytest.fixture(params=["folder", "sqlite", "postgresql"])
async def shelf(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Shelf]:
    """Each place in which files can be kept."""
    if request.param == "folder":
        yield FolderShelf(tmp_path)
        return
    is_lite = request.param == "sqlite"
    url = f"sqlite:///{tmp_path}/chatops.db" if is_lite else request.getfixturevalue("postgres_url")
    async with DatabaseShelf.opened(database := Database(url)) as opened:
        await database.migrate()
        yield opened
