"""Other bots in the repositories of this one."""

from dataclasses import replace
from datetime import timedelta

from bot.model.forge import RepoPath
from bot.model.other_bot import OtherBot
from bot.store.records import Store
from tests.store.values import NOW, SHOP

OTHER = OtherBot(SHOP, "chatops-bot", "chatops/k3f9q2xa", "https://gitee.com/team/shop/pulls/12#note_7", NOW)
HOUR, MONTH = timedelta(hours=1), timedelta(days=30)


async def test_another_bot_is_news_once(store: Store) -> None:
    assert await store.other_bots.add(OTHER)
    assert not await store.other_bots.add(OTHER)
    later = replace(OTHER, comment_url="#note_8", seen_at=NOW + HOUR)
    assert not await store.other_bots.add(later)
    assert not await store.other_bots.add(OTHER)
    assert await store.other_bots.since(NOW) == (later,)
    assert await store.other_bots.since(NOW + HOUR + HOUR) == ()


async def test_another_account_and_a_bot_that_returns_are_news(store: Store) -> None:
    await store.other_bots.add(OTHER)
    assert not await store.other_bots.add(replace(OTHER, name="chatops/z9z9z9z9", seen_at=NOW + HOUR))
    assert await store.other_bots.add(replace(OTHER, account="robot", seen_at=NOW + HOUR + HOUR))
    assert await store.other_bots.add(replace(OTHER, account="robot", seen_at=NOW + MONTH))
    elsewhere = replace(OTHER, repo=RepoPath("team", "api"))
    assert await store.other_bots.add(elsewhere)
    assert [one.repo for one in await store.other_bots.since(NOW)] == [elsewhere.repo, SHOP]
