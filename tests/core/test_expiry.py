from datetime import UTC, datetime, timedelta

from bot.core.expiry import expired, until
from bot.model.delivery import Trigger
from bot.model.environment import Environment, EnvironmentKey, EnvironmentState
from bot.model.forge import RepoPath
from bot.model.plan import Plan
from bot.model.run import Origin, Run
from bot.model.text import Language

NOW = datetime(2026, 3, 1, tzinfo=UTC)
SHOP = RepoPath("team", "shop")


def environment(number: int, expires_at: datetime) -> Environment:
    key = EnvironmentKey(SHOP, number, "preview")
    return Environment(key, f"pr-{number}-shop", "a" * 40, EnvironmentState.READY, 1, NOW, expires_at)


def test_the_operators_limit_is_the_last_word() -> None:
    assert until(NOW, 3600, timedelta(days=3)) == NOW + timedelta(hours=1)
    assert until(NOW, 864_000, timedelta(days=3)) == NOW + timedelta(days=3)


def test_an_environment_expires_at_its_time_unless_something_is_under_way() -> None:
    over, busy, young = (
        environment(1, NOW),
        environment(2, NOW - timedelta(days=1)),
        environment(3, NOW + timedelta(seconds=1)),
    )
    run = Run(1, SHOP, 2, "a" * 40, Plan(()), Origin(Trigger.COMMENT, "lin"), Language.EN, NOW)
    assert expired((over, busy, young), (run,), NOW) == (over,)
