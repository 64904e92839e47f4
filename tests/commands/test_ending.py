"""The commands that end something: /teardown and /cancel."""

from dataclasses import replace

import pytest

from bot.core.deciding import planning
from bot.core.language.command import AnyCommand
from bot.model.errors import TellUser
from bot.model.forge import PullState
from bot.model.outcome import Outcome, Refuse, StartRun, StopRuns
from bot.model.plan import Plan, Teardown
from bot.model.reason import Reason
from bot.model.snapshot import Snapshot
from commands import cancel, teardown
from tests.fakes.snapshots import STAGED, environment, pull_request, run, snapshot

OVER = pull_request(state=PullState.MERGED)
DEPLOYING = run(plan=planning.to_deploy(snapshot(pipeline=STAGED)))
BOTH = snapshot(environments=(environment(), environment("staging")))
NOTHING = Refuse(Reason.NOTHING_TO_TEAR_DOWN)


def decided(command: AnyCommand, words: str, now: Snapshot) -> Outcome:
    return command.plan(command.bind(words.split()), now)


def unknown(name: str, known: str) -> Refuse:
    return Refuse(Reason.UNKNOWN_ENVIRONMENT, {"name": name, "known": known})


@pytest.mark.parametrize(
    ("words", "now", "expected"),
    [
        ("", BOTH, Teardown()),
        ("staging", BOTH, Teardown("staging")),
        ("环境=staging", BOTH, Teardown("staging")),
        ("prod", BOTH, unknown("prod", "preview, staging")),
        ("", snapshot(), NOTHING),
        ("preview", snapshot(), NOTHING),
        ("", snapshot(built=True), NOTHING),
        ("", snapshot(active=(run(),)), NOTHING),
        ("", snapshot(active=(DEPLOYING,)), Teardown()),
        ("preview", snapshot(active=(DEPLOYING,)), Teardown("preview")),
        ("staging", snapshot(active=(DEPLOYING,)), unknown("staging", "preview")),
        ("staging", snapshot(active=(DEPLOYING,), pipeline=STAGED), Teardown("staging")),
        ("", snapshot(pull=OVER), NOTHING),
        ("", snapshot(pull=OVER, built=True), Teardown(everything=True)),
        ("", snapshot(pull=OVER, active=(run(),)), Teardown(everything=True)),
        ("", snapshot(pull=OVER, environments=(environment(),)), Teardown(everything=True)),
        ("preview", snapshot(pull=OVER, environments=(environment(),)), Teardown("preview")),
        ("preview", snapshot(pull=OVER, built=True), unknown("preview", "")),
    ],
)
def test_teardown(words: str, now: Snapshot, expected: Teardown | Refuse) -> None:
    outcome = StartRun(Plan((expected,))) if isinstance(expected, Teardown) else expected

    assert decided(teardown.command, words, now) == outcome


@pytest.mark.parametrize(
    ("words", "active", "expected"),
    [
        ("", (7, 8), StopRuns((7, 8))),
        ("8", (7, 8), StopRuns((8,))),
        ("#8", (7, 8), StopRuns((8,))),
        ("运行=8", (7, 8), StopRuns((8,))),
        ("9", (7, 8), Refuse(Reason.UNKNOWN_RUN, {"run": "9"})),
        ("", (), Refuse(Reason.NOTHING_TO_CANCEL)),
        ("7", (), Refuse(Reason.NOTHING_TO_CANCEL)),
    ],
)
def test_cancel(words: str, active: tuple[int, ...], expected: Outcome) -> None:
    now = snapshot(active=tuple(run(number) for number in active))

    assert decided(cancel.command, words, now) == expected


@pytest.mark.parametrize("words", ["", "8"])
def test_cancel_lets_the_end_of_a_pull_request_remove_everything(words: str) -> None:
    removing = replace(run(8), plan=Plan((Teardown(everything=True),)))

    now = snapshot(active=(removing,))
    assert decided(cancel.command, words, now) == StopRuns((8,))
    assert decided(cancel.command, words, replace(now, writes=False)) == Refuse(Reason.NOTHING_TO_CANCEL)
    assert decided(cancel.command, words, replace(now, pull=OVER)) == Refuse(Reason.NOTHING_TO_CANCEL)


@pytest.mark.parametrize("text", ["x", "-1", "1.5", "##1", "²", "１", "1234567890123"])
def test_cancel_takes_only_numbers(text: str) -> None:
    with pytest.raises(TellUser) as caught:
        cancel.command.bind((text,))

    facts = {"argument": "run", "value": text, "expected": "42", "usage": "/cancel [run]"}
    assert (caught.value.reason, caught.value.facts) == (Reason.ARGUMENT_INVALID, facts)
