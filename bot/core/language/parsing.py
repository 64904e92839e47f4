"""Parses a comment into commands with their arguments, mistakes in arguments, and near misses.

Lines for other bots are ignored: only names of our commands and names that resemble them are returned.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bot.core.language import spelling
from bot.core.language.command import AnyCommand
from bot.core.language.commandline import command_lines
from bot.model.errors import TellUser
from bot.model.reason import Reason

MAX_COMMANDS = 10
"""Commands of one comment that are executed; the rest is ignored."""

_FOREIGN = (
    "approve area assign auto-cc base build-image cc check check-cla check-issue check-pr "
    "cherry-pick cherrypick cla close committee compile draft duplicate easycla fix help-wanted hold invite "
    "joke kind label lgtm lifecycle link-issue lock-issue merge milestone move open override pick "
    "point priority ready rebase refresh release remove reopen request-cla retarget retitle review "
    "shrug sig skip squash stage sync sync-check tide title transfer triage unapprove unassign uncc "
    "unhold unlock-issue verify verify-owners wip "
)
FOREIGN = frozenset(_FOREIGN.split())
"""Commands of other bots on Gitee and elsewhere; they are never near misses."""

# People end a command without arguments with a full stop; it is not part of the name.
_HEAD = re.compile(r"/([^\s/]+?)(?:[.。!！]*|\s+(.*))", re.DOTALL)
_TOKEN = re.compile(r"""(?:[^\s"'`]|"[^"]*"|'[^']*'|`[^`]*`)+""")
_QUOTED = re.compile(r""""([^"]*)"|'([^']*)'|`([^`]*)`""")


@dataclass(frozen=True, slots=True)
class Invocation:
    """A valid command. `text` is its line, normalized; hostile."""

    command: AnyCommand
    args: Any
    text: str


@dataclass(frozen=True, slots=True)
class Misuse:
    """A known command with invalid arguments."""

    command: AnyCommand
    text: str
    reason: Reason
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class NearMiss:
    """An unknown name that resembles a command; both strings begin with a slash."""

    typed: str
    suggestion: str


Line = Invocation | Misuse | NearMiss


def parse(body: str, commands: Iterable[AnyCommand]) -> tuple[Line, ...]:
    """Return the commands and near misses of a comment in order, at most MAX_COMMANDS."""
    return parse_lines(command_lines(body), commands)


def parse_lines(lines: Iterable[str], commands: Iterable[AnyCommand]) -> tuple[Line, ...]:
    """Return the commands and near misses of normalized command lines, at most MAX_COMMANDS."""
    known = by_name(commands)
    found = (parse_line(line, known) for line in lines)
    return tuple(line for line in found if line is not None)[:MAX_COMMANDS]


def by_name(commands: Iterable[AnyCommand]) -> dict[str, AnyCommand]:
    """Return the commands by all their names, case-folded."""
    return {name.casefold(): command for command in commands for name in command.names}


def parse_line(line: str, known: Mapping[str, AnyCommand]) -> Line | None:
    """Parse one normalized command line; return None if it is not meant for this bot."""
    match = _HEAD.fullmatch(line)
    if match is None:
        return None
    name = match[1].casefold()
    if name not in known:
        return _near_miss(match[1], known)
    command = known[name]
    try:
        return Invocation(command, command.bind(tokens(match[2] or "")), line)
    except TellUser as error:
        return Misuse(command, line, error.reason, error.facts)


def tokens(text: str) -> tuple[str, ...]:
    """Split at white space, except between quotes of the same kind (`"`, `'` or backticks).

    Raises TellUser(QUOTE_UNCLOSED).
    """
    found = _TOKEN.findall(text)
    if _TOKEN.sub("", text).strip():
        raise TellUser(Reason.QUOTE_UNCLOSED, {"text": text})
    return tuple(_QUOTED.sub(_inside, token) for token in found)


def _inside(quoted: re.Match[str]) -> str:
    return next(group for group in quoted.groups() if group is not None)


def _near_miss(typed: str, known: Mapping[str, AnyCommand]) -> NearMiss | None:
    name = typed.casefold()
    if name in FOREIGN:
        return None
    meant = spelling.nearest(name, known)
    return None if meant is None else NearMiss(f"/{typed}", f"/{meant}")


def command_text(lines: Sequence[Line]) -> str:
    """Return the lines of the valid commands as one text, for the origin of a run."""
    return "\n".join(line.text for line in lines if isinstance(line, Invocation))
