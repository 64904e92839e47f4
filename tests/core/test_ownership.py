"""Which bot owns what several with the same instance have created."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.core.reconciling import ownership
from bot.core.reconciling.ownership import LASTS, RENEWED
from bot.model.environment import Environment, EnvironmentKey, EnvironmentState
from bot.model.forge import RepoPath
from bot.model.holder import Holder
from bot.model.inventory import Item, ItemKind

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
SHOP = RepoPath("team", "shop")
NEW, OLD, OTHER = "new45678", "old45678", "other456"
STORES = (NEW, OLD)
SECOND = timedelta(seconds=1)
ITEM = Item(ItemKind.NAMESPACE, "1", "pr-12-shop", SHOP, 12, "preview", 7, NOW, store=NEW)


def owned(by: str, until: datetime | None, *, store: str = NEW) -> Item:
    return replace(ITEM, store=store, owned_by=by, owned_until=until)


def environment(adopted: Holder | None = None) -> Environment:
    key = EnvironmentKey(RepoPath("Team", "Shop"), 12, "preview")
    state = EnvironmentState.READY
    return Environment(key, "pr-12-shop", "a" * 40, state, 7, NOW, NOW, adopted=adopted)


@pytest.mark.parametrize(
    ("item", "foreign"),
    [
        (ITEM, False),
        (owned(OTHER, None), False),
        (owned(OTHER, NOW), False),
        (owned(OTHER, NOW + SECOND), True),
        (owned(OTHER, NOW + SECOND, store=OTHER), True),
        (owned("", NOW + SECOND, store=OTHER), False),
        (owned(NEW, NOW + SECOND, store=OTHER), False),
        (owned(OLD, NOW + SECOND, store=OTHER), False),
    ],
)
def test_another_bot_owns_what_it_says_it_owns_until_then(item: Item, *, foreign: bool) -> None:
    assert ownership.foreign(item, STORES, NOW) is foreign
    assert ownership.not_foreign([item], STORES, NOW) == (() if foreign else (item,))


def test_other_bots_are_named_with_their_latest_word() -> None:
    early, late = NOW + SECOND, NOW + 2 * SECOND
    items = [owned(OTHER, early), owned(OTHER, late), owned("x", early), owned("y", NOW), owned(NEW, late)]
    assert ownership.others(items, STORES, NOW) == {OTHER: late, "x": early}
    assert ownership.others(reversed(items), STORES, NOW) == {OTHER: late, "x": early}
    assert ownership.others(items, (), NOW) == {OTHER: late, "x": early, NEW: late}


@pytest.mark.parametrize("store", STORES)
def test_a_bot_says_again_what_it_owns_before_others_may_take_it(store: str) -> None:
    last_said = NOW + LASTS
    for item, due in (
        (owned("", None, store=store), True),
        (owned(NEW, last_said, store=store), False),
        (owned(NEW, last_said - RENEWED + SECOND, store=store), False),
        (owned(NEW, last_said - RENEWED, store=store), True),
        (owned(NEW, NOW - LASTS, store=store), True),
        (owned(OLD, last_said, store=store), True),
        (owned(OTHER, NOW, store=store), True),
        (owned(OTHER, NOW + SECOND, store=store), False),
    ):
        assert ownership.to_renew([item], (), STORES, NOW) == ((item,) if due else ())


def test_a_bot_does_not_own_what_others_have_created_unless_it_has_adopted_that() -> None:
    for store in (OTHER, ""):
        item = replace(ITEM, store=store)
        assert ownership.to_renew([item], (), STORES, NOW) == ()
        adopted = environment(Holder(7, 0, store))
        assert ownership.to_renew([item], [adopted], STORES, NOW) == (item,)
    assert ownership.to_renew([replace(ITEM, store=OTHER)], [environment()], STORES, NOW) == ()
    elsewhere = environment(Holder(7, 0, "x"))
    assert ownership.to_renew([replace(ITEM, store=OTHER)], [elsewhere], STORES, NOW) == ()


def test_what_an_earlier_version_created_is_owned_if_the_store_knows_its_environment() -> None:
    unmarked = replace(ITEM, store="")
    assert ownership.to_renew([unmarked], [environment()], STORES, NOW) == (unmarked,)
    assert ownership.to_renew([replace(unmarked, number=13)], [environment()], STORES, NOW) == ()


@pytest.mark.parametrize(
    "text", ["", "soon", "2026-03-01", "2026-03-01T12:00:00", "0001-01-01T00:00:00+01:00"]
)
def test_a_label_without_a_time_is_no_time(text: str) -> None:
    assert ownership.moment(text) is None


def test_a_label_has_its_time_in_any_zone() -> None:
    assert ownership.moment("2026-03-01T20:00:00+08:00") == NOW
