from dataclasses import dataclass

import pytest

from bot.core.language.arguments import arg, bind, declared, many, word
from bot.model.errors import TellUser
from bot.model.reason import Reason
from bot.model.text import Text

ANY = Text("any", "任意")


@dataclass(frozen=True, slots=True)
class Args:
    """One argument of each form."""

    where: str = arg(ANY, parse=str)
    count: int = arg(ANY, parse=int, default=1, expected="3", also=("数量",))
    force: bool = arg(ANY, parse=word("force", "强制"), default=False, keyword=True)
    names: tuple[str, ...] = many(ANY, parse=str, name="name")


def given(*tokens: str) -> Args:
    return bind(Args, tokens, "/x where")


@pytest.mark.parametrize(
    ("tokens", "expected"),
    [
        (("here",), Args("here")),
        (("here", "2"), Args("here", 2)),
        (("here", "2", "a", "b"), Args("here", 2, names=("a", "b"))),
        (("where=here",), Args("here")),
        (("--where=here",), Args("here")),
        (("count=2", "here"), Args("here", 2)),
        (("here", "数量=2"), Args("here", 2)),
        (("here", "COUNT=2"), Args("here", 2)),
        (("force=force", "here"), Args("here", force=True)),
        (("here", "force=强制", "2"), Args("here", 2, force=True)),
        (("here", "name=a", "name=b"), Args("here", names=("a", "b"))),
        (("where=a=b",), Args("a=b")),
        (("=a",), Args("=a")),
        (("1=a",), Args("1=a")),
    ],
)
def test_arguments_are_bound_by_name_and_position(tokens: tuple[str, ...], expected: Args) -> None:
    assert given(*tokens) == expected


@pytest.mark.parametrize(
    ("tokens", "reason", "facts"),
    [
        ((), Reason.ARGUMENT_MISSING, {"argument": "where"}),
        (("count=2",), Reason.ARGUMENT_MISSING, {"argument": "where"}),
        (("here", "conut=2"), Reason.ARGUMENT_UNKNOWN, {"argument": "conut", "suggestion": "count"}),
        (("here", "zzz=2"), Reason.ARGUMENT_UNKNOWN, {"argument": "zzz", "suggestion": ""}),
        (("here", "where=there"), Reason.ARGUMENT_REPEATED, {"argument": "where"}),
        (("here", "force=force", "force=force"), Reason.ARGUMENT_REPEATED, {"argument": "force"}),
        (
            ("here", "many"),
            Reason.ARGUMENT_INVALID,
            {"argument": "count", "value": "many", "expected": "3"},
        ),
        (
            ("here", "force=yes"),
            Reason.ARGUMENT_INVALID,
            {"argument": "force", "value": "yes", "expected": ""},
        ),
    ],
)
def test_errors_carry_their_facts(tokens: tuple[str, ...], reason: Reason, facts: dict[str, str]) -> None:
    with pytest.raises(TellUser) as caught:
        given(*tokens)

    assert (caught.value.reason, caught.value.facts) == (reason, {**facts, "usage": "/x where"})


@dataclass(frozen=True, slots=True)
class Few:
    """No argument accepts surplus values."""

    size: str = arg(ANY, parse=str, default="", keyword=True, also=("大小",))


@pytest.mark.parametrize(
    ("token", "suggestion"), [("extra", ""), ("size", "size"), ("--size", "size"), ("szie", "size")]
)
def test_surplus_arguments_are_reported(token: str, suggestion: str) -> None:
    with pytest.raises(TellUser) as caught:
        bind(Few, (token,), "/few")

    facts = {"argument": token, "suggestion": suggestion, "usage": "/few"}
    assert (caught.value.reason, caught.value.facts) == (Reason.ARGUMENT_UNKNOWN, facts)


def test_usage_shows_the_form_of_each() -> None:
    assert [argument.usage for argument in declared(Args)] == ["where", "[count]", "[force=…]", "[name…]"]


def test_names_come_with_their_translations() -> None:
    assert [argument.names for argument in declared(Few)] == [("size", "大小")]
