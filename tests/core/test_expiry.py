from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.core.environments.expiry import ends_soon, expired, extension, stale_expiry, to_warn, until
from bot.model.delivery import Trigger
from bot.model.environment import Environment, EnvironmentKey, EnvironmentState, Extension
from bot.model.forge import RepoPath
from bot.model.inventory import Item, ItemKind
from bot.model.plan import Plan
from bot.model.run import Origin, Run
from bot.model.text import Language

NOW = datetime(2026, 3, 1, tzinfo=UTC)
SHOP = RepoPath("team", "shop")


def environment(number: int, expires_at: datetime) -> Environment:
    key = EnvironmentKey(SHOP, number, "preview")
    return Environment(key, f"pr-{number}-shop", "a" * 40, EnvironmentState.READY, 1, NOW, expires_at)


def test_the_operators_limit_wins() -> None:
    assert until(NOW, 3600, timedelta(days=3)) == NOW + timedelta(hours=1)
    assert until(NOW, 864_000, timedelta(days=3)) == NOW + timedelta(days=3)


def test_an_environment_expires_unless_a_run_is_in_progress() -> None:
    over, busy, young = (
        environment(1, NOW),
        environment(2, NOW - timedelta(days=1)),
        environment(3, NOW + timedelta(seconds=1)),
    )
    run = Run(1, SHOP, 2, "a" * 40, Plan(()), Origin(Trigger.COMMENT, "lin"), Language.EN, NOW)
    assert expired((over, busy, young), (run,), NOW) == (over,)


LATE = NOW + timedelta(days=3)
HOURS = timedelta(hours=1)
DAYS = timedelta(days=1)


@pytest.mark.parametrize(
    ("now", "more", "until_when", "capped"),
    [
        (LATE - DAYS, DAYS, LATE + DAYS, False),
        (LATE - DAYS, 2 * DAYS, LATE + 2 * DAYS, False),
        (LATE - DAYS, 9 * DAYS, LATE + 2 * DAYS, True),
        (LATE + HOURS, DAYS, LATE + HOURS + DAYS, False),
    ],
    ids=["longer by what was asked", "up to the limit", "but no further", "from now on, if it is over"],
)
def test_an_extension_adds_to_what_is_left(
    now: datetime, more: timedelta, until_when: datetime, *, capped: bool
) -> None:
    found = extension(environment(1, LATE), more, now, 3 * DAYS)
    assert found == Extension("preview", until_when, capped=capped)


def test_an_extension_never_shortens() -> None:
    assert extension(environment(1, LATE), DAYS, NOW, 3 * DAYS) is None
    assert extension(environment(1, LATE), DAYS, NOW, DAYS) is None


@pytest.mark.parametrize(
    ("left", "expected"),
    [(13 * HOURS, False), (12 * HOURS, True), (HOURS, True), (timedelta(0), False), (-HOURS, False)],
)
def test_the_warning_period_is_the_configured_one(left: timedelta, *, expected: bool) -> None:
    assert ends_soon(environment(1, LATE), LATE - left, 12 * HOURS) is expected


def test_an_environment_with_a_shorter_ttl_than_the_warning_period_has_no_warning() -> None:
    short = environment(1, NOW + 8 * HOURS)
    assert not ends_soon(short, NOW + 7 * HOURS, 12 * HOURS)
    renewed = replace(short, expires_at=NOW + 32 * HOURS, extended_at=NOW + 7 * HOURS)
    assert ends_soon(renewed, NOW + 31 * HOURS, 12 * HOURS)
    a_little = replace(renewed, expires_at=NOW + 33 * HOURS, extended_at=NOW + 31 * HOURS)
    assert not ends_soon(a_little, NOW + 32 * HOURS, 12 * HOURS)


def test_an_environment_that_cannot_be_visited_has_no_warning() -> None:
    failed = replace(environment(1, LATE), state=EnvironmentState.FAILED)
    assert not ends_soon(failed, LATE - HOURS, 12 * HOURS)


def test_each_expiry_is_announced_once_unless_a_run_is_in_progress() -> None:
    near, announced, busy = (environment(number, LATE) for number in (1, 2, 3))
    announced = replace(announced, warned=LATE)
    moved = replace(announced, warned=LATE - DAYS)
    run = Run(1, SHOP, 3, "a" * 40, Plan(()), Origin(Trigger.COMMENT, "lin"), Language.EN, NOW)
    now = LATE - HOURS
    assert to_warn((near, announced, busy), (run,), now, 12 * HOURS) == (near,)
    assert to_warn((moved,), (), now, 12 * HOURS) == (moved,)
    assert to_warn((near,), (), now, timedelta(0)) == ()


def test_resources_with_a_stale_expiry_are_found() -> None:
    ends = NOW + timedelta(hours=8, microseconds=17)

    def says(number: int, expires: datetime | None) -> Item:
        return Item(ItemKind.NAMESPACE, str(number), "x", SHOP, number, "preview", expires=expires)

    right, earlier, later = says(1, ends.replace(microsecond=0)), says(1, NOW), says(1, NOW + 9 * HOURS)
    silent, stranger = says(1, None), says(2, NOW)

    assert stale_expiry((right, earlier, later, silent, stranger), (environment(1, ends),)) == (
        (earlier, ends.replace(microsecond=0)),
        (later, ends.replace(microsecond=0)),
    )
