from collections.abc import Callable
from dataclasses import replace

import pytest

from bot.model.outcome import Outcome, Refuse, Reply
from bot.model.plan import StepName
from bot.model.reason import Reason
from bot.model.run import StepRecord, StepState
from bot.model.snapshot import LogTail, Snapshot
from bot.model.views import Message, View
from commands import logs
from tests.fakes.snapshots import SHA, run, snapshot

OUTPUT = """\
collecting ... collected 2 items
tests/test_book.py::test_keeps_the_newest_first FAILED
```
</details> <!-- @all -->"""


def tail(number: int, step: StepName, state: StepState = StepState.PASSED, text: str = OUTPUT) -> LogTail:
    return LogTail(run(number), StepRecord(step, state), text)


BUILD, DEPLOY, TEST = tail(7, "build"), tail(7, "deploy"), tail(6, "test", StepState.FAILED)
FAILED = tail(7, "deploy", StepState.FAILED)
BROKEN = tail(7, "deploy", StepState.BROKEN)


def decided(words: str, *found: LogTail, brief: bool = False) -> Outcome:
    facts: Snapshot = snapshot(logs=found)
    facts = replace(facts, settings=replace(facts.settings, brief=brief))
    return logs.command.plan(logs.command.bind(words.split()), facts)


def reply(found: LogTail, *, brief: bool = False) -> Reply:
    facts = {
        "run": found.run.id,
        "sha": SHA,
        "step": found.step.name,
        "state": found.step.state,
        "text": found.text,
        "page": f"https://bot.example.com/runs/{found.run.id}#{found.step.name}",
        "brief": brief,
    }
    return Reply(Message("logs", facts))


@pytest.mark.parametrize(
    ("words", "logs", "shown"),
    [
        ("build", (BUILD, DEPLOY, TEST), BUILD),
        ("TEST", (BUILD, DEPLOY, TEST), TEST),
        ("测试", (BUILD, DEPLOY, TEST), TEST),
        ("步骤=构建", (BUILD, DEPLOY, TEST), BUILD),
        ("", (BUILD, DEPLOY, TEST), DEPLOY),
        ("", (BUILD, FAILED, tail(7, "test")), FAILED),
        ("", (BUILD, BROKEN, tail(7, "test")), BROKEN),
        ("", (TEST,), TEST),
    ],
)
def test_the_requested_log_is_shown(words: str, logs: tuple[LogTail, ...], shown: LogTail) -> None:
    assert decided(words, *logs) == reply(shown)


def test_a_brief_reply_says_so() -> None:
    silent = tail(7, "build", text="")

    assert decided("", silent, brief=True) == reply(silent, brief=True)


@pytest.mark.parametrize(
    ("words", "found", "step", "known"),
    [
        ("deploy", (BUILD, TEST), "deploy", "build, test"),
        ("lint", (BUILD, TEST), "lint", "build, test"),
        ("build", (), "build", ""),
        ("", (), "", ""),
    ],
)
def test_a_missing_log_is_refused(words: str, found: tuple[LogTail, ...], step: str, known: str) -> None:
    assert decided(words, *found) == Refuse(Reason.NO_LOG, {"name": step, "known": known})


@pytest.mark.parametrize(
    ("name", "outcome"),
    [
        ("logs", reply(FAILED)),
        ("logs_brief", reply(tail(7, "build", text=""), brief=True)),
        ("logs_empty", reply(tail(7, "build", text=""))),
    ],
)
def test_replies_equal_their_golden_files(
    name: str, outcome: Reply, golden_comment: Callable[[str, View], None]
) -> None:
    golden_comment(name, outcome.view)
