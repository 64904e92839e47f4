from dataclasses import replace
from datetime import timedelta

import pytest

from bot.model.environment import Extension
from bot.model.errors import TellUser
from bot.model.forge import Permission, PullState
from bot.model.outcome import Extend, Outcome, Refuse, Reply
from bot.model.plan import Plan, Teardown
from bot.model.reason import Reason
from bot.model.snapshot import Snapshot
from bot.model.views import Refusal
from commands import extend
from tests.fakes.snapshots import NOW, decide, environment, pull_request, run, snapshot

HOURS = timedelta(hours=1)
DAYS = timedelta(days=1)
OLD = replace(environment(), expires_at=NOW + HOURS)
STAGING = replace(environment("staging"), expires_at=NOW + 2 * DAYS)
BOTH = snapshot(environments=(OLD, STAGING))
LATE = snapshot(environments=(OLD,))
LEAVING = run(plan=Plan((Teardown(),)))
LIMITED = Refuse(Reason.LIVES_LONGEST, {"longest": "3d"})


def decided(words: str, now: Snapshot) -> Outcome:
    return extend.command.plan(extend.command.bind(words.split()), now)


def until(preview: timedelta, *, capped: bool = False) -> Extend:
    return Extend((Extension("preview", NOW + preview, capped=capped),))


@pytest.mark.parametrize(
    ("words", "now", "expected"),
    [
        ("2d", LATE, until(HOURS + 2 * DAYS)),
        ("", LATE, until(HOURS + DAYS)),
        ("时长=8小时", LATE, until(9 * HOURS)),
        ("3d preview", LATE, until(3 * DAYS, capped=True)),
        ("30d", LATE, until(3 * DAYS, capped=True)),
        ("1h env=preview", BOTH, until(2 * HOURS)),
        ("1h", snapshot(environments=(environment(),)), LIMITED),
        ("1h staging", LATE, Refuse(Reason.UNKNOWN_ENVIRONMENT, {"name": "staging", "known": "preview"})),
        ("1h", snapshot(), Refuse(Reason.NO_ENVIRONMENT)),
        ("1h", snapshot(environments=(OLD,), active=(LEAVING,)), Refuse(Reason.NO_ENVIRONMENT)),
        (
            "1h",
            snapshot(environments=(OLD,), pull=pull_request(state=PullState.MERGED)),
            Refuse(Reason.PULL_CLOSED, {"command": "extend"}),
        ),
    ],
)
def test_extend(words: str, now: Snapshot, expected: Outcome) -> None:
    assert decided(words, now) == expected


def test_without_a_name_all_existing_environments_are_extended() -> None:
    assert decided("2d", BOTH) == Extend(
        (
            Extension("preview", NOW + HOURS + 2 * DAYS),
            Extension("staging", NOW + 3 * DAYS, capped=True),
        )
    )
    assert decided("1d", snapshot(environments=(environment(), OLD))) == until(HOURS + DAYS)


@pytest.mark.parametrize("words", ["soon", "31d", "-1d", "0"])
def test_an_invalid_duration_is_reported(words: str) -> None:
    with pytest.raises(TellUser, match="argument_invalid"):
        extend.command.bind([words])


def test_an_environment_deployed_or_removed_by_the_same_comment_is_not_extended() -> None:
    for words in ("/deploy\n/extend 1h", "/teardown\n/extend 1h"):
        [refused] = [
            one.view
            for one in decide(words, LATE)
            if isinstance(one, Reply) and isinstance(one.view, Refusal)
        ]
        assert [line.reason for line in refused.lines] == [Reason.NO_ENVIRONMENT]


def test_the_author_may_extend_without_write_permission() -> None:
    now = snapshot(environments=(OLD,), actor="mei")
    assert isinstance(decide("/extend", now, permission=Permission.NONE)[0], Extend)
    stranger = snapshot(environments=(OLD,), actor="stranger")
    assert not isinstance(decide("/extend", stranger, permission=Permission.NONE)[0], Extend)


def test_it_is_not_offered_where_nothing_is_deployed() -> None:
    pipeline = replace(BOTH.pipeline, deploy=replace(BOTH.pipeline.deploy, enabled=False))
    assert not extend.command.offered(pipeline)
    assert extend.command.offered(BOTH.pipeline)
