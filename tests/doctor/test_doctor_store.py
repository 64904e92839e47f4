"""The doctor's check of the database."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.doctor import store
from bot.doctor.findings import DoctorOptions, State
from bot.model.other_bot import OtherBot
from bot.settings.model import Secret, Settings, StoreSettings
from bot.store.records import Store
from tests.fakes.stored import fail
from tests.real.ports import free_port
from tests.store.values import NOW, SHOP, delivery


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


@pytest.mark.parametrize(
    ("ending", "advice"),
    [
        ("repository_invisible: 404", "Invite the bot's account"),
        ("gitee_unavailable: 502", "Send the webhook again"),
    ],
)
async def test_what_a_running_bot_has_given_up_is_listed(tmp_path: Path, ending: str, advice: str) -> None:
    url = f"sqlite:///{tmp_path}/chatops.db"
    bot = await Store.open(url)
    await bot.arrivals.accept(delivery("a"))
    await fail(bot, "a", ending, NOW)

    _, found = await store.check(options(url))

    assert found.state is State.NOTE
    assert "team/shop!12 comment" in found.found.en
    assert ending in found.found.en
    assert found.advice is not None
    assert advice in found.advice.en
    await bot.close()


async def test_a_restored_backup_and_another_bot_are_listed_for_a_week(tmp_path: Path) -> None:
    url, now = f"sqlite:///{tmp_path}/chatops.db", datetime.now(UTC)
    bot = await Store.open(url)
    await bot.identities.renew((await bot.identities.current()).id, now - timedelta(days=9))
    await bot.other_bots.add(OtherBot(SHOP, "robot", "chatops/old", "#note_6", now - timedelta(days=9)))
    assert len(await store.check(options(url))) == 1

    await bot.identities.renew((await bot.identities.current()).id, now)
    await bot.other_bots.add(OtherBot(SHOP, "robot", "chatops/k3f9q2xa", "#note_7", now))
    identity = (await bot.identities.current()).id
    _, restored, other = await store.check(options(url))
    await bot.close()

    assert restored.state is other.state is State.NOTE
    assert "an older backup was restored" in restored.found.en
    assert identity in restored.found.en
    assert identity in restored.found.zh
    for words in (other.found.en, other.found.zh):
        assert all(one in words for one in ("team/shop", "chatops/k3f9q2xa", "robot", "#note_7"))
    assert other.advice is not None
    assert "[repos] allow" in other.advice.en
