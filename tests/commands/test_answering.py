"""The commands that only reply: /status, /help and /ok-to-test."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.core.language.command import AnyCommand
from bot.model.errors import TellUser
from bot.model.forge import PullState
from bot.model.outcome import Approve, Outcome, Refuse, Reply, Revoke
from bot.model.reason import Reason
from bot.model.run import RunState
from bot.model.snapshot import Snapshot
from bot.model.views import Message
from commands import help as help_command
from commands import ok_to_test, status
from tests.fakes.snapshots import IMAGE, OLD, SHA, approval, environment, pull_request, run, snapshot
from tests.fakes.snapshots import NOW as FACTS_AT

NOW = snapshot()
UNTRUSTED = snapshot(trusted=False, pull=pull_request(fork=True, author="stranger"))


def decided(command: AnyCommand, words: str, now: Snapshot = NOW) -> Outcome:
    return command.plan(command.bind(words.split()), now)


def message(outcome: Outcome, template: str) -> Mapping[str, object]:
    """Return the facts of a reply that is worded by this template."""
    assert isinstance(outcome, Reply)
    assert isinstance(outcome.view, Message)
    assert outcome.view.template == template
    return outcome.view.facts


def test_status_shows_environments_runs_and_image() -> None:
    ended, staging = replace(run(6), state=RunState.PASSED), environment("staging")
    soon = replace(
        environment(), deployed_at=FACTS_AT - timedelta(days=2), expires_at=FACTS_AT + timedelta(minutes=30)
    )
    now = snapshot(built=True, environments=(soon, staging), active=(run(8),), runs=(run(8), ended, run(5)))

    facts = message(decided(status.command, "", now), "status")

    lines = facts["environments"]
    assert isinstance(lines, tuple)
    assert [(line.name, line.extend) for line in lines] == [("preview", "/extend 1d"), ("staging", "")]
    assert (facts["active"], facts["last"], facts["image"]) == ((run(8),), ended, IMAGE.pinned)
    assert (facts["page"], facts["open"]) == ("https://bot.example.com/prs/team/shop/12", True)


def test_status_of_a_closed_pull_request_without_anything() -> None:
    facts = message(
        decided(status.command, "", snapshot(pull=pull_request(state=PullState.CLOSED))), "status"
    )

    assert (facts["environments"], facts["last"], facts["image"], facts["open"]) == ((), None, "", False)


def test_help_lists_all() -> None:
    facts = message(decided(help_command.command, ""), "help")

    assert facts["commands"] == tuple(NOW.commands.values())
    assert facts["automatic"] == {
        "open": ("build", "deploy", "test"),
        "update": ("build", "deploy", "test"),
        "close": ("teardown",),
    }


@pytest.mark.parametrize("words", ["deploy", "/deploy", "DEPLOY", "部署", "/预览", "命令=deploy"])
def test_help_explains_one_by_any_of_its_names(words: str) -> None:
    explained = Message("help_command", {"command": NOW.commands["deploy"]})

    assert decided(help_command.command, words) == Reply(explained)


@pytest.mark.parametrize(
    ("words", "suggestion"), [("depoly", "/help deploy"), ("/biuld", "/help build"), ("xyzzy", "")]
)
def test_help_suggests_the_nearest_command(words: str, suggestion: str) -> None:
    facts = {"name": words, "suggestion": suggestion}

    assert decided(help_command.command, words) == Refuse(Reason.UNKNOWN_COMMAND, facts)


@pytest.mark.parametrize("words", ["", SHA, SHA.upper(), f"提交={SHA}"])
def test_ok_to_test_approves_the_head(words: str) -> None:
    assert decided(ok_to_test.command, words, UNTRUSTED) == Approve(SHA)


@pytest.mark.parametrize(
    ("named", "reason"),
    [
        ("0123456", Reason.COMMIT_ABBREVIATED),
        (SHA[:7], Reason.COMMIT_ABBREVIATED),
        (SHA[:39], Reason.COMMIT_ABBREVIATED),
        (OLD, Reason.COMMIT_NAMED_WRONG),
    ],
)
def test_ok_to_test_approves_no_other_commit(named: str, reason: Reason) -> None:
    refused = Refuse(reason, {"named": named, "now": SHA, "approve": f"/ok-to-test {SHA}"})

    assert decided(ok_to_test.command, named, UNTRUSTED) == refused
    assert decided(ok_to_test.command, named, NOW) == refused


def test_ok_to_test_without_a_commit_needs_a_request_for_it() -> None:
    unannounced = replace(UNTRUSTED, announced=False)

    refused = Refuse(Reason.COMMIT_NOT_NAMED, {"approve": f"/ok-to-test {SHA}"})
    assert decided(ok_to_test.command, "", unannounced) == refused
    assert decided(ok_to_test.command, SHA, unannounced) == Approve(SHA)


@pytest.mark.parametrize("words", ["revoke", "REVOKE", "撤回", "撤销"])
def test_ok_to_test_revoke_takes_every_approval_back(words: str) -> None:
    both = (approval(OLD), approval())

    assert decided(ok_to_test.command, words, replace(NOW, approvals=both)) == Revoke(both)
    assert decided(ok_to_test.command, words, replace(UNTRUSTED, approvals=both[:1])) == Revoke(both[:1])


def test_ok_to_test_revoke_says_when_nothing_is_approved() -> None:
    refused = Refuse(Reason.NOTHING_APPROVED)

    assert decided(ok_to_test.command, "revoke", UNTRUSTED) == refused
    assert decided(ok_to_test.command, "revoke", replace(NOW, writers_only=True)) == refused


def test_ok_to_test_says_when_it_is_not_needed() -> None:
    assert decided(ok_to_test.command, "") == Refuse(Reason.ALREADY_TRUSTED, {"author": "mei"})


@pytest.mark.parametrize("text", ["abcdef", "main", SHA + "a" * 25, "zzzzzzz", "1234567\n"])
def test_ok_to_test_takes_only_commits(text: str) -> None:
    with pytest.raises(TellUser, match=str(Reason.ARGUMENT_INVALID)):
        ok_to_test.command.bind((text,))
