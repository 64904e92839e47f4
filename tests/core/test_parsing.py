from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.language.arguments import arg
from bot.core.language.command import Command, NoArguments, PermissionLevel
from bot.core.language.parsing import (
    FOREIGN,
    MAX_COMMANDS,
    Invocation,
    Misuse,
    NearMiss,
    by_name,
    command_text,
    parse,
    parse_line,
    tokens,
)
from bot.model.errors import TellUser
from bot.model.outcome import Ignore
from bot.model.reason import Reason
from bot.model.text import Text
from tests.fakes.snapshots import COMMANDS


@dataclass(frozen=True, slots=True)
class Args:
    """One argument."""

    where: str = arg(Text("where", "哪里"), parse=str, default="here")


def plan(_: object, __: object) -> Ignore:
    return Ignore("a test's")


BUILD = Command(
    name="build",
    aliases=("构建",),
    summary=Text("", ""),
    permission=PermissionLevel.ANYONE,
    args=NoArguments,
    plan=plan,
)
DEPLOY = Command(name="deploy", summary=Text("", ""), permission=PermissionLevel.WRITE, args=Args, plan=plan)
OURS = (BUILD, DEPLOY)


def test_commands_are_found_in_order_with_their_arguments() -> None:
    assert parse("hello\n\n/deploy there\n/构建", OURS) == (
        Invocation(DEPLOY, Args("there"), "/deploy there"),
        Invocation(BUILD, NoArguments(), "/构建"),
    )


@pytest.mark.parametrize(
    "line", ["/BUILD", "/Build", "/build.", "/构建。", "/build!", "／构建！", "/build  "]
)
def test_a_command_name_may_have_upper_case_and_a_full_stop(line: str) -> None:
    found = parse(line, OURS)

    assert [entry.command for entry in found if isinstance(entry, Invocation)] == [BUILD]


@pytest.mark.parametrize(
    "line",
    [
        "/lgtm",
        "/lgtm cancel",
        "/approve",
        "/check-cla",
        "/assign @mei",
        "/hold",
        "/kind bug",
        "/remove-kind bug",
        "/path/to/file",
        "/api/v1",
        "/build/output",
        "/部署",
        "/etc",
        "/b",
        "/builders-only",
        "/x" * 400,
    ],
)
def test_unknown_commands_are_ignored(line: str) -> None:
    assert parse(line, OURS) == ()


@pytest.mark.parametrize(
    ("typed", "meant"), [("/biuld", "/build"), ("/Depoly now", "/deploy"), ("/buidl.", "/build")]
)
def test_a_near_miss_gets_a_suggestion(typed: str, meant: str) -> None:
    assert parse(typed, OURS) == (NearMiss(typed.partition(" ")[0].rstrip("."), meant),)


@pytest.mark.parametrize("name", sorted(FOREIGN))
def test_names_of_other_bots_get_no_suggestion(name: str) -> None:
    near = Command(
        name=name + "x", summary=Text("", ""), permission=PermissionLevel.ANYONE, args=NoArguments, plan=plan
    )

    assert parse_line(f"/{name}", by_name((near,))) is None


def test_no_command_has_the_name_of_another_bots_command() -> None:
    assert not FOREIGN & by_name(COMMANDS).keys()


def test_an_error_in_arguments_is_returned_with_its_facts() -> None:
    facts = {"argument": "twice", "usage": "/deploy [where]", "suggestion": ""}

    assert parse("/deploy once twice", OURS) == (
        Misuse(DEPLOY, "/deploy once twice", Reason.ARGUMENT_UNKNOWN, facts),
    )


def test_an_unclosed_quote_is_invalid() -> None:
    assert parse("/deploy it's", OURS) == (
        Misuse(DEPLOY, "/deploy it's", Reason.QUOTE_UNCLOSED, {"text": "it's"}),
    )


def test_no_more_commands_than_the_limit_are_read() -> None:
    assert len(parse("/lgtm\n/build\n" * (MAX_COMMANDS + 1), OURS)) == MAX_COMMANDS


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ()),
        ("a  b", ("a", "b")),
        ("'a b' \"c d\" `e f`", ("a b", "c d", "e f")),
        ("key='a b'", ("key=a b",)),
        ("a'b c'd", ("ab cd",)),
        ('"it\'s"', ("it's",)),
        ("''", ("",)),
        ("a\\ b", ("a\\", "b")),
    ],
)
def test_tokens(text: str, expected: tuple[str, ...]) -> None:
    assert tokens(text) == expected


@pytest.mark.parametrize("text", ["'", '"a', "a `b", "'a' \"", "it's fine"])
def test_an_unclosed_quote_is_an_error(text: str) -> None:
    with pytest.raises(TellUser) as caught:
        tokens(text)

    assert (caught.value.reason, caught.value.facts) == (Reason.QUOTE_UNCLOSED, {"text": text})


@given(st.lists(st.text(alphabet=st.characters(exclude_characters='"'), max_size=10), max_size=5))
def test_quoted_values_are_unchanged(words: list[str]) -> None:
    assert tokens(" ".join(f'"{word}"' for word in words)) == tuple(words)


NAMES = st.sampled_from([name for command in COMMANDS for name in command.names])
ARGUMENTS = st.text(max_size=60) | st.sampled_from(["ttl=8h", "ttl=8h ttl=8h", "a b c", "'", "=", "--x=y"])


@given(NAMES, ARGUMENTS)
def test_any_arguments_are_parsed_or_rejected(name: str, arguments: str) -> None:
    for found in parse(f"/{name} {arguments}", COMMANDS):
        assert isinstance(found, Invocation | Misuse | NearMiss)
        if isinstance(found, Misuse):
            assert all(isinstance(fact, str) for fact in found.facts.values())


@given(st.text(max_size=300))
def test_any_text_can_be_parsed(body: str) -> None:
    assert len(parse(body, COMMANDS)) <= MAX_COMMANDS


def test_a_run_stores_the_parsed_commands() -> None:
    assert command_text(parse("/构建\n/biuld\n/deploy a b\nwords\n/deploy x", OURS)) == "/构建\n/deploy x"
