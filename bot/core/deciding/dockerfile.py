"""What the bot asks of a Dockerfile: the names of its stages, what each one EXPOSEs, and whether it runs.

https://docs.docker.com/reference/dockerfile/ ; only the engine decides what is valid. Whatever the text is,
nothing here raises, and time and memory are bounded.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from bot.core.deciding.dockerfile_lines import instructions
from bot.core.deciding.web_port import web_port

RUNTIME = "runtime"
TEST = "test"

_VARIABLE = re.compile(r"\$(?:\{(\w+)(?::?([-+])([^${}]*))?\}|(\w+))", re.ASCII)
_ASSIGNMENT = re.compile(r"""(\w+)=("(?:[^"\\]|\\.)*"|'[^']*'|(?:[^\s"'\\]|\\.)*)""", re.ASCII)
_PORT = re.compile(r"([0-9]{1,5})(?:-[0-9]{1,5})?(?:/tcp)?", re.ASCII | re.IGNORECASE)
_NAME = re.compile(r"[a-z][a-z0-9_.-]{0,127}")
"""A valid name of a stage; the engine refuses others, and the limit of the length is the bot's."""
_HIGHEST_PORT = 65_535
_RUNNING = {"RUN", "CMD", "ENTRYPOINT"}
# Far beyond any real file; a hostile one could otherwise double a variable on every line.
_MOST = 200
"""Stages of a file, and variables and ports of a stage."""
_LONGEST_LINE = 4096
_LONGEST_VALUE = 256


@dataclass(frozen=True, slots=True)
class Stage:
    """One `FROM`, with its name in lower case if it has one."""

    name: str | None
    port: int | None = None
    """The port for the web that it EXPOSEs, otherwise the port of the stage that it is made from."""
    command: bool = False
    """Whether it has a CMD or ENTRYPOINT of its own."""
    runs: bool = False
    """Whether it has a RUN of its own."""


@dataclass(frozen=True, slots=True)
class Dockerfile:
    """The stages in order."""

    stages: tuple[Stage, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the stages that have one."""
        return tuple(stage.name for stage in self.stages if stage.name is not None)

    @property
    def default_target(self) -> str | None:
        """Stage to build unless one is configured: `runtime`, otherwise the last one not named `test`.

        None means the last stage. A stage without a name is named by its number.
        """
        if RUNTIME in self.names:
            return RUNTIME
        last = len(self.stages) - 1
        for index in range(last, -1, -1):
            if self.stages[index].name != TEST:
                return self.stages[index].name or (None if index == last else str(index))
        return None

    def stage(self, target: str | None) -> Stage | None:
        """Return a stage by its name, in any case, or number; for None the last one."""
        position = self.position(target)
        return None if position is None else self.stages[position]

    def position(self, target: str | None) -> int | None:
        """Return the number of a stage, as for `stage`."""
        count = len(self.stages)
        if target is None:
            return count - 1 if count else None
        wanted = target.lower()
        if wanted in self.names:
            return next(index for index in reversed(range(count)) if self.stages[index].name == wanted)
        number = int(wanted) if re.fullmatch(r"[0-9]{1,4}", wanted) else _MOST
        return number if number < count else None


def read(text: str) -> Dockerfile:
    """Read a Dockerfile; what cannot be understood is skipped."""
    stages: list[_OpenStage] = []
    arguments: dict[str, str] = {}
    for keyword, rest in instructions(text):
        if keyword == "FROM":
            if len(stages) == _MOST:
                break
            stages.append(_begin(rest, stages, arguments))
        elif stages:
            stages[-1].apply(keyword, rest, arguments)
        elif keyword == "ARG":
            _assign(arguments, _assignments(rest, arguments))
    return Dockerfile(tuple(stage.closed() for stage in stages))


@dataclass(slots=True)
class _OpenStage:
    """A stage while its instructions are read."""

    name: str | None
    inherited: int | None = None
    """The port of the stage that it is made from."""
    ports: list[int] = field(default_factory=list)
    """TCP ports that it EXPOSEs itself, in order."""
    variables: dict[str, str] = field(default_factory=dict)
    """ARG defaults and ENV values as they are after the last instruction."""
    keywords: set[str] = field(default_factory=set)
    """Those of its instructions that run something."""

    def closed(self) -> Stage:
        """Return the stage."""
        command = bool(self.keywords & {"CMD", "ENTRYPOINT"})
        return Stage(self.name, self.port, command, "RUN" in self.keywords)

    def apply(self, keyword: str, rest: str, arguments: Mapping[str, str]) -> None:
        """Take one more instruction; `arguments` are those before the first stage."""
        if keyword in _RUNNING:
            self.keywords.add(keyword)
        elif keyword == "ARG":
            declared = {name: arguments[name] for name in rest.split() if name in arguments}
            found = {**declared, **_assignments(rest, self.variables)}
            _assign(self.variables, {name: found[name] for name in found.keys() - self.variables.keys()})
        elif keyword == "ENV":
            _assign(self.variables, _settings(rest, self.variables))
        elif keyword == "EXPOSE":
            self.ports += _ports(_expanded(rest, self.variables))[: _MOST - len(self.ports)]

    @property
    def port(self) -> int | None:
        """The port that a preview of this stage shows."""
        return web_port(self.ports) or self.inherited


def _begin(rest: str, stages: list[_OpenStage], arguments: Mapping[str, str]) -> _OpenStage:
    words = [word for word in rest.split() if not word.startswith("--")]
    base = _expanded(words[0], arguments).lower() if words else ""
    named = len(words) > 2 and words[1].lower() == "as"  # noqa: PLR2004 - FROM base AS name
    name = words[2].lower() if named and _NAME.fullmatch(words[2].lower()) else None
    parent = next((stage for stage in reversed(stages) if stage.name == base), None)
    if parent is None:
        return _OpenStage(name)
    return _OpenStage(name, inherited=parent.port, variables={**parent.variables})


def _ports(text: str) -> list[int]:
    """Return TCP ports; of a range the first."""
    found = (_PORT.fullmatch(word.strip("\"'")) for word in text.split())
    numbers = (int(one[1]) for one in found if one)
    return [number for number in numbers if 0 < number <= _HIGHEST_PORT]


def _settings(rest: str, variables: Mapping[str, str]) -> dict[str, str]:
    """Read `ENV NAME=value …` and the old `ENV NAME value`."""
    name, _, value = rest.strip().partition(" ")
    if "=" in name or not value:
        return _assignments(rest, variables)
    return {name: _expanded(value.strip(), variables)[:_LONGEST_VALUE]}


def _assignments(rest: str, variables: Mapping[str, str]) -> dict[str, str]:
    found = _ASSIGNMENT.findall(rest[:_LONGEST_LINE])
    return {name: _expanded(value.strip("\"'"), variables)[:_LONGEST_VALUE] for name, value in found}


def _assign(variables: dict[str, str], values: Mapping[str, str]) -> None:
    for name, value in values.items():
        if name in variables or len(variables) < _MOST:
            variables[name] = value


def _expanded(text: str, variables: Mapping[str, str]) -> str:
    """Replace the variables of a text by their values; `${NAME:-default}` and `${NAME:+other}` too."""

    def value(found: re.Match[str]) -> str:
        known = variables.get(found[1] or found[4], "")
        if found[2] == "+":
            return found[3] if known else ""
        return known or found[3] or ""

    return _VARIABLE.sub(value, text[:_LONGEST_LINE])
