"""The doctor's check of the database."""

import pytest

from bot.doctor import store
from bot.doctor.findings import DoctorOptions, State
from bot.settings.model import Secret, Settings, StoreSettings
from tests.real.ports import free_port


def options(url: str) -> DoctorOptions:
    return DoctorOptions(Settings(store=StoreSettings(Secret(url))))


async def test_checking_a_sqlite_file_does_not_change_it() -> None:
    [found] = await store.check(options(""))

    assert (found.state, found.found.en) == (State.FINE, "SQLite, for one replica")


async def test_a_real_server_passes(postgres_url: str) -> None:
    [found] = await store.check(options(postgres_url))

    assert (found.state, found.found.en) == (State.FINE, "PostgreSQL responds")


@pytest.mark.parametrize("url", ["nonsense", "oracle9i://host/db"])
async def test_an_invalid_address_is_reported(url: str) -> None:
    [found] = await store.check(options(url))

    assert found.state is State.WRONG
    assert found.advice is not None
    assert "postgresql://" in found.advice.en


async def test_an_unavailable_server_is_reported_without_its_password() -> None:
    [found] = await store.check(options(f"postgresql://bot:sesame@127.0.0.1:{free_port()}/chatops"))

    assert found.state is State.WRONG
    assert "sesame" not in found.found.en
