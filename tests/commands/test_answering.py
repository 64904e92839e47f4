from dataclasses import replace

import pytest

from bot.core.language.command import AnyCommand
from bot.model.errors import TellUser
from bot.model.outcome import Approve, Outcome, Refuse, Reply, Snapshot
from bot.model.reason import Reason
from commands import help as help_command
from commands import ok_to_test, status
from tests.fakes.snapshots import SHA, pull_request, snapshot

NOW = snapshot()
UNTRUSTED = snapshot(trusted=False, pull=pull_request(fork=True, author="stranger"))


def decided(command: AnyCommand, words: str, now: Snapshot = NOW) -> Outcome:
    return command.plan(command.bind(words.split()), now)


def test_status_answers_with_what_was_read() -> None:
    assert decided(status.command, "") == Reply(NOW.status)


def test_help_lists_all() -> None:
    assert decided(help_command.command, "") == Reply(NOW.help)


@pytest.mark.parametrize("words", ["deploy", "/deploy", "DEPLOY", "部署", "/预览", "命令=deploy"])
def test_help_explains_one_by_any_of_its_names(words: str) -> None:
    assert decided(help_command.command, words) == Reply(replace(NOW.help, detail="deploy"))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("words", "suggestion"), [("depoly", "/help deploy"), ("/biuld", "/help build"), ("xyzzy", "")]
)
def test_help_suggests_what_was_meant(words: str, suggestion: str) -> None:
    facts = {"name": words, "suggestion": suggestion}

    assert decided(help_command.command, words) == Refuse(Reason.UNKNOWN_COMMAND, facts)


def test_help_gives_whatever_answer_was_made_ready() -> None:
    odd = replace(NOW, help=NOW.status)

    assert decided(help_command.command, "deploy", odd) == Reply(NOW.status)


@pytest.mark.parametrize("words", ["", SHA, SHA[:7], SHA[:12].upper(), f"提交={SHA[:7]}"])
def test_ok_to_test_approves_the_head(words: str) -> None:
    assert decided(ok_to_test.command, words, UNTRUSTED) == Approve(SHA)


@pytest.mark.parametrize("named", ["0123456", SHA[1:9]])
def test_ok_to_test_approves_no_other_commit(named: str) -> None:
    refused = Refuse(Reason.COMMIT_NAMED_WRONG, {"named": named, "now": SHA})

    assert decided(ok_to_test.command, named, UNTRUSTED) == refused
    assert decided(ok_to_test.command, named, NOW) == refused


def test_ok_to_test_says_when_it_is_not_needed() -> None:
    assert decided(ok_to_test.command, "") == Refuse(Reason.ALREADY_TRUSTED, {"author": "mei"})


@pytest.mark.parametrize("text", ["abcdef", "main", SHA + "a", "zzzzzzz", "1234567\n"])
def test_ok_to_test_takes_only_commits(text: str) -> None:
    with pytest.raises(TellUser, match=str(Reason.ARGUMENT_INVALID)):
        ok_to_test.command.bind((text,))
