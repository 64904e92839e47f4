import pytest

from bot.doctor import store
from bot.doctor.findings import Examined, State
from bot.settings.model import Secret, Settings, StoreSettings
from tests.real.ports import free_port


def examined(url: str) -> Examined:
    return Examined(Settings(store=StoreSettings(Secret(url))))


async def test_a_file_is_not_touched() -> None:
    [found] = await store.check(examined(""))

    assert (found.state, found.found.en) == (State.FINE, "SQLite, for one replica")


async def test_a_real_server_is_fine(postgres_url: str) -> None:
    [found] = await store.check(examined(postgres_url))

    assert (found.state, found.found.en) == (State.FINE, "PostgreSQL answers")


@pytest.mark.parametrize("url", ["nonsense", "oracle9i://host/db"])
async def test_what_is_no_address_is_told(url: str) -> None:
    [found] = await store.check(examined(url))

    assert found.state is State.WRONG
    assert found.advice is not None
    assert "postgresql://" in found.advice.en


async def test_a_server_that_is_gone_is_told_without_its_password() -> None:
    [found] = await store.check(examined(f"postgresql://bot:sesame@127.0.0.1:{free_port()}/chatops"))

    assert found.state is State.WRONG
    assert "sesame" not in found.found.en
