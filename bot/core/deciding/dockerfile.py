"""What the bot wants to know of a Dockerfile: its stages and ports. The engine alone decides what is valid.

https://docs.docker.com/reference/dockerfile/ ; nothing in here raises, whatever the text is.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice

from bot.core.deciding.dockerfile_lines import instructions

RUNTIME = "runtime"
TEST = "test"

_VARIABLE = re.compile(r"\$(?:\{(\w+)(?::?([-+])([^${}]*))?\}|(\w+))", re.ASCII)
_ASSIGNMENT = re.compile(r"""(\w+)=("(?:[^"\\]|\\.)*"|'[^']*'|(?:[^\s"'\\]|\\.)*)""", re.ASCII)
_PORT = re.compile(r"([0-9]{1,5})(?:-[0-9]{1,5})?(?:/tcp)?", re.ASCII | re.IGNORECASE)
_HIGHEST_PORT = 65_535
# Far beyond any real file; a hostile one could otherwise double a variable on every line.
_MOST = 200
_LONGEST_LINE = 4096
_LONGEST_VALUE = 256


@dataclass(frozen=True, slots=True)
class Stage:
    """One `FROM`. `exposes` are its own TCP ports in order; `healthcheck` is None where it says nothing."""

    name: str | None
    base: str
    exposes: tuple[int, ...] = ()
    healthcheck: bool | None = None
    variables: Mapping[str, str] = field(default_factory=dict)
    """ARG defaults and ENV values as they stand at its end."""


@dataclass(frozen=True, slots=True)
class Dockerfile:
    """The stages in order."""

    stages: tuple[Stage, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the stages that have one."""
        return tuple(stage.name for stage in self.stages if stage.name is not None)

    def position(self, target: str | None) -> int | None:
        """Return the index of a target, given by name or number; None means the last stage."""
        if target is None:
            return len(self.stages) - 1 if self.stages else None
        wanted = target.lower()
        for index in reversed(range(len(self.stages))):
            if self.stages[index].name == wanted:
                return index
        number = int(wanted) if re.fullmatch(r"[0-9]{1,4}", wanted) else len(self.stages)
        return number if number < len(self.stages) else None


def read(text: str) -> Dockerfile:
    """Read a Dockerfile; what cannot be understood is left out."""
    stages: list[Stage] = []
    arguments: dict[str, str] = {}
    for keyword, rest in instructions(text):
        if keyword == "FROM":
            if len(stages) == _MOST:
                break
            stages.append(_begin(rest, stages, arguments))
        elif stages:
            stages[-1] = _extend(stages[-1], keyword, rest, arguments)
        elif keyword == "ARG":
            arguments = _bounded({**arguments, **_assignments(rest, arguments)})
    return Dockerfile(tuple(stages))


def default_target(dockerfile: Dockerfile) -> str | None:
    """Return the stage to build unless told: `runtime` if there is one, else the last that is not `test`.

    None means the last stage; one without a name is named by its number.
    """
    if RUNTIME in dockerfile.names:
        return RUNTIME
    stages = dockerfile.stages
    for index in reversed(range(len(stages))):
        if stages[index].name != TEST:
            unnamed = None if index == len(stages) - 1 else str(index)
            return stages[index].name or unnamed
    return None


def has_target(dockerfile: Dockerfile, name: str) -> bool:
    """Tell whether there is a stage of this name (upper and lower case alike) or number."""
    return dockerfile.position(name) is not None


def exposed_port(dockerfile: Dockerfile, target: str | None) -> int | None:
    """Return the first port that a target EXPOSEs itself, else the stage that it is made from."""
    return next((stage.exposes[0] for stage in _lineage(dockerfile, target) if stage.exposes), None)


def has_healthcheck(dockerfile: Dockerfile, target: str | None) -> bool:
    """Tell whether a target has a HEALTHCHECK of its own or from the stage that it is made from."""
    known = (stage.healthcheck for stage in _lineage(dockerfile, target) if stage.healthcheck is not None)
    return next(known, False)


def _lineage(dockerfile: Dockerfile, target: str | None) -> Iterator[Stage]:
    """Yield a target's stage, the stage that it is made from, and so on."""
    index = dockerfile.position(target)
    while index is not None:
        stage = dockerfile.stages[index]
        yield stage
        index = _earlier(dockerfile.stages[:index], stage.base)


def _earlier(stages: tuple[Stage, ...] | list[Stage], base: str) -> int | None:
    wanted = base.lower()
    return next((index for index in reversed(range(len(stages))) if stages[index].name == wanted), None)


def _begin(rest: str, stages: list[Stage], arguments: Mapping[str, str]) -> Stage:
    words = [word for word in rest.split() if not word.startswith("--")]
    base = _expanded(words[0], arguments) if words else ""
    named = len(words) > 2 and words[1].lower() == "as"  # noqa: PLR2004 - FROM base AS name
    parent = _earlier(stages, base)
    inherited = {} if parent is None else stages[parent].variables
    return Stage(words[2].lower() if named else None, base, variables=inherited)


def _extend(stage: Stage, keyword: str, rest: str, arguments: Mapping[str, str]) -> Stage:
    """Return a stage with one more instruction."""
    match keyword:
        case "ARG":
            declared = {name: arguments[name] for name in rest.split() if name in arguments}
            assigned = _assignments(rest, stage.variables)
            return replace(stage, variables=_bounded({**declared, **assigned, **stage.variables}))
        case "ENV":
            settings = _settings(rest, stage.variables)
            return replace(stage, variables=_bounded({**stage.variables, **settings}))
        case "EXPOSE" if len(stage.exposes) < _MOST:
            return replace(stage, exposes=(*stage.exposes, *_ports(_expanded(rest, stage.variables))))
        case "HEALTHCHECK":
            return replace(stage, healthcheck=rest.strip().upper() != "NONE")
    return stage


def _ports(text: str) -> Iterator[int]:
    for word in text.split():
        found = _PORT.fullmatch(word.strip("\"'"))
        if found and 0 < int(found[1]) <= _HIGHEST_PORT:
            yield int(found[1])


def _settings(rest: str, variables: Mapping[str, str]) -> dict[str, str]:
    """Read `ENV NAME=value …` and the old `ENV NAME value`."""
    name, _, value = rest.strip().partition(" ")
    if "=" in name or not value:
        return _assignments(rest, variables)
    return {name: _expanded(value.strip(), variables)[:_LONGEST_VALUE]}


def _assignments(rest: str, variables: Mapping[str, str]) -> dict[str, str]:
    found = _ASSIGNMENT.findall(rest[:_LONGEST_LINE])
    return {name: _expanded(value.strip("\"'"), variables)[:_LONGEST_VALUE] for name, value in found}


def _bounded(variables: dict[str, str]) -> dict[str, str]:
    return dict(islice(variables.items(), _MOST))


def _expanded(text: str, variables: Mapping[str, str]) -> str:
    """Put in variables where they are known; `${NAME:-default}` and `${NAME:+other}` too."""

    def value(found: re.Match[str]) -> str:
        known = variables.get(found[1] or found[4], "")
        if found[2] == "+":
            return found[3] if known else ""
        return known or found[3] or ""

    return _VARIABLE.sub(value, text[:_LONGEST_LINE])
