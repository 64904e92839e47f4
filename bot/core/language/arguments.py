"""Arguments of commands as fields of a frozen dataclass: parsing, usage and help have one source."""

import dataclasses
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, TypeVar, overload

from bot.core.language import spelling
from bot.model.errors import TellUser
from bot.model.reason import Reason
from bot.model.text import Text

T = TypeVar("T")
D = TypeVar("D")

_DECLARATION = "argument"
_NAMED = re.compile(r"(?:--)?([^\W\d][\w-]*)=(.*)", re.DOTALL)


class Form(Enum):
    """How an argument is given; a positional one may also be given by name."""

    POSITIONAL = "positional"
    KEYWORD = "keyword"
    MANY = "many"


@dataclass(frozen=True, slots=True)
class Declaration:
    """What `arg` and `many` declare. `parse` raises ValueError; `expected` shows valid values."""

    text: Text
    parse: Callable[[str], Any]
    form: Form
    name: str
    expected: str
    also: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Argument:
    """A declared field: `field` is its name in the dataclass, `name` in comments."""

    field: str
    name: str
    required: bool
    declaration: Declaration

    @property
    def usage(self) -> str:
        """The argument in a usage line, such as `[ttl=…]`."""
        shown = {
            Form.POSITIONAL: self.name,
            Form.KEYWORD: f"{self.name}=…",
            Form.MANY: f"{self.name}…",
        }[self.declaration.form]
        return shown if self.required else f"[{shown}]"

    @property
    def names(self) -> tuple[str, ...]:
        """All names by which it can be given."""
        return (self.name, *self.declaration.also)


@overload
def arg(
    text: Text,
    *,
    parse: Callable[[str], T],
    keyword: bool = ...,
    name: str = ...,
    expected: str = ...,
    also: tuple[str, ...] = ...,
) -> T: ...
@overload
def arg(
    text: Text,
    *,
    parse: Callable[[str], T],
    default: D,
    keyword: bool = ...,
    name: str = ...,
    expected: str = ...,
    also: tuple[str, ...] = ...,
) -> T | D: ...
def arg(
    text: Text,
    *,
    parse: Callable[[str], Any],
    default: Any = dataclasses.MISSING,
    keyword: bool = False,
    name: str = "",
    expected: str = "",
    also: tuple[str, ...] = (),
) -> Any:
    """Declare one value: positional unless `keyword`, required unless there is a `default`.

    `parse` raises ValueError for text that it does not accept; `expected` then shows what it accepts.
    `also` are further names, such as the Chinese one; `name` replaces the field's own name.
    """
    form = Form.KEYWORD if keyword else Form.POSITIONAL
    declaration = Declaration(text, parse, form, name, expected, also)
    return dataclasses.field(default=default, metadata={_DECLARATION: declaration})


def many(
    text: Text, *, parse: Callable[[str], T], name: str = "", expected: str = "", also: tuple[str, ...] = ()
) -> tuple[T, ...]:
    """Declare all remaining values."""
    declaration = Declaration(text, parse, Form.MANY, name, expected, also)
    declared: tuple[T, ...] = dataclasses.field(default=(), metadata={_DECLARATION: declaration})
    return declared


def environment(text: Text, *, keyword: bool = False) -> str | None:
    """Declare the name of an environment, which may be left out."""
    return arg(text, parse=str, default=None, keyword=keyword, also=("environment", "环境"))


def word(*spellings: str) -> Callable[[str], bool]:
    """Return a parser for a switch that is on when one of these words is given."""

    def parse(value: str) -> bool:
        if value.casefold() not in spellings:
            raise ValueError(value)
        return True

    return parse


def declared(kind: type[Any]) -> tuple[Argument, ...]:
    """Return the arguments that a dataclass declares, in order."""
    return tuple(
        Argument(
            field=field.name,
            name=field.metadata[_DECLARATION].name or field.name,
            required=field.default is dataclasses.MISSING,
            declaration=field.metadata[_DECLARATION],
        )
        for field in dataclasses.fields(kind)
    )


def bind(kind: type[T], tokens: Sequence[str], usage: str) -> T:
    """Return the dataclass with the values in the tokens; named and positional ones may be mixed.

    Raises TellUser(ARGUMENT_MISSING | ARGUMENT_UNKNOWN | ARGUMENT_REPEATED | ARGUMENT_INVALID).
    """
    return _Binding(declared(kind), usage, {}).bind(kind, tokens)


@dataclass(frozen=True, slots=True)
class _Binding:
    """One call of `bind`: the declared arguments, and the values so far by field."""

    arguments: tuple[Argument, ...]
    usage: str
    given: dict[str, Any]

    def bind(self, kind: type[T], tokens: Sequence[str]) -> T:
        for token in tokens:
            self._take(token)
        for argument in self.arguments:
            if argument.required and argument.field not in self.given:
                raise self._error(Reason.ARGUMENT_MISSING, argument.name)
        return kind(**self.given)

    def _take(self, token: str) -> None:
        named = _NAMED.fullmatch(token)
        if named is None:
            self._give(self._next(token), token)
        else:
            self._give(self._named(named[1]), named[2])

    def _next(self, token: str) -> Argument:
        """Return the next positional argument."""
        for argument in self.arguments:
            form = argument.declaration.form
            if form is Form.MANY or (form is Form.POSITIONAL and argument.field not in self.given):
                return argument
        raise self._error(Reason.ARGUMENT_UNKNOWN, token, suggestion=self._suggestion(token))

    def _named(self, key: str) -> Argument:
        for argument in self.arguments:
            if key.casefold() in argument.names:
                return argument
        raise self._error(Reason.ARGUMENT_UNKNOWN, key, suggestion=self._suggestion(key))

    def _suggestion(self, key: str) -> str:
        names = [name for argument in self.arguments for name in argument.names]
        return spelling.nearest(key.casefold().lstrip("-"), names) or ""

    def _give(self, argument: Argument, value: str) -> None:
        declaration = argument.declaration
        try:
            parsed = declaration.parse(value)
        except ValueError as error:
            facts = {"value": value, "expected": declaration.expected}
            raise self._error(Reason.ARGUMENT_INVALID, argument.name, **facts) from error
        if declaration.form is Form.MANY:
            self.given[argument.field] = (*self.given.get(argument.field, ()), parsed)
        elif argument.field in self.given:
            raise self._error(Reason.ARGUMENT_REPEATED, argument.name)
        else:
            self.given[argument.field] = parsed

    def _error(self, reason: Reason, argument: str, **facts: str) -> TellUser:
        return TellUser(reason, {"argument": argument, "usage": self.usage, **facts})
