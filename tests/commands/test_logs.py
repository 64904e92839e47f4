from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from bot.model.outcome import Outcome, Refuse, Reply
from bot.model.pipeline import DeployConfig, Pipeline
from bot.model.plan import Deploy, Plan, StepName
from bot.model.reason import Reason
from bot.model.run import StepRecord, StepState
from bot.model.service_log import ServiceLog
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


DB = ServiceLog("db", run(7, plan=Plan((Deploy(SHA, DeployConfig(), {}, "staging"),))), OUTPUT)
GONE = ServiceLog("db", run(6), "", kept=True)
"""That of a run whose plan has no deployment: an earlier version of the bot made it."""


def decided(words: str, *found: LogTail, brief: bool = False, services: Sequence[ServiceLog] = ()) -> Outcome:
    facts: Snapshot = snapshot(logs=found, service_logs=tuple(services))
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


def service_reply(found: ServiceLog, *, environment: str = "staging", brief: bool = False) -> Reply:
    facts = {
        "run": found.run.id,
        "sha": SHA,
        "service": found.name,
        "environment": environment,
        "removed": found.kept,
        "text": "" if brief else found.text,
        "page": f"https://bot.example.com/runs/{found.run.id}/services#{found.name}",
        "brief": brief,
    }
    return Reply(Message("service_log", facts))


@pytest.mark.parametrize("words", ["db", "DB", "service=db", "服务=db"])
def test_the_output_of_a_service_is_shown(words: str) -> None:
    assert decided(words, BUILD, services=[DB]) == service_reply(DB)


def test_the_deployed_service_is_also_known_by_its_name_in_a_compose_file() -> None:
    app = replace(DB, name="app")
    pipeline = Pipeline(deploy=DeployConfig(aliases=("web",)))
    facts = replace(snapshot(service_logs=(app, DB)), pipeline=pipeline)

    def decide(name: str) -> Outcome:
        return logs.command.plan(logs.command.bind([name]), facts)

    assert decide("web") == decide("app") == service_reply(app)
    assert decide("db") == service_reply(DB)
    assert decide("other") == Refuse(Reason.NO_LOG, {"name": "other", "known": "app, db"})


def test_a_step_comes_before_a_service_with_its_name() -> None:
    assert decided("build", BUILD, services=[replace(DB, name="build")]) == reply(BUILD)


def test_a_brief_reply_only_links_to_the_output() -> None:
    assert decided("db", services=[DB], brief=True) == service_reply(DB, brief=True)


def test_services_are_known_names_too() -> None:
    assert decided("dbb", BUILD, services=[DB]) == Refuse(
        Reason.NO_LOG, {"name": "dbb", "known": "build, db"}
    )


def test_a_runner_that_does_not_answer_keeps_no_log_of_a_step_back() -> None:
    away = Refuse(Reason.ENGINE_UNAVAILABLE, {"message": "connection refused"})
    facts = replace(snapshot(logs=(BUILD,)), unread=away)

    def decide(*words: str) -> Outcome:
        return logs.command.plan(logs.command.bind(words), facts)

    assert (decide("db"), decide("build"), decide()) == (away, reply(BUILD), reply(BUILD))
    nothing = replace(snapshot(), unread=away)
    assert logs.command.plan(logs.command.bind([]), nothing) == Refuse(
        Reason.NO_LOG, {"name": "", "known": ""}
    )


@pytest.mark.parametrize(
    ("name", "outcome"),
    [
        ("service_log", service_reply(DB)),
        ("service_log_removed", service_reply(GONE, environment="")),
        ("service_log_brief", service_reply(DB, brief=True)),
        ("logs", reply(FAILED)),
        ("logs_brief", reply(tail(7, "build", text=""), brief=True)),
        ("logs_empty", reply(tail(7, "build", text=""))),
    ],
)
def test_replies_equal_their_golden_files(
    name: str, outcome: Reply, golden_comment: Callable[[str, View], None]
) -> None:
    golden_comment(name, outcome.view)
