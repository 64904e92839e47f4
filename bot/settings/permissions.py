"""Reads `[permissions]`: who may use a command, with or without an environment, and in which repositories."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from bot.core.admission.permissions import Entry, Rule
from bot.core.language.command import PermissionLevel
from bot.settings.problems import unknown

SECTION = "permissions"
OWNERS = "owners"

_PATTERN = re.compile(r"[^\s/!]+/[^\s/]+")
_LOGIN = re.compile(r"@[A-Za-z0-9_][A-Za-z0-9_.-]{0,190}")
_ENVIRONMENT = re.compile(r"[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?")
_KNOWN = (*PermissionLevel, OWNERS, "@login")
_EXAMPLE = 'expected a level, "owners", a login such as "@lin", or a list of these'


@dataclass(frozen=True, slots=True)
class PermissionReader:
    """Reads the section. `report` takes a problem and the path of its key; `source` says where it is set."""

    report: Callable[..., None]
    source: Callable[..., str]

    def read(self, section: Any) -> tuple[Entry, ...]:
        """Return the entries: first those for all repositories, then those of each pattern, in order."""
        if not isinstance(section, Mapping):
            self.report("should be a section, not a value", SECTION)
            return ()
        patterns = [key for key, value in section.items() if isinstance(value, Mapping)]
        entries = [*self._entries({key: section[key] for key in section if key not in patterns}, "")]
        for pattern in patterns:
            if not _PATTERN.fullmatch(pattern):
                self.report('is not a pattern of repositories, such as "shop/*"', SECTION, pattern)
            entries += self._entries(section[pattern], pattern)
        return tuple(entries)

    def _entries(self, table: Mapping[str, Any], pattern: str) -> Iterator[Entry]:
        for key, value in table.items():
            path = (SECTION, *([pattern] if pattern else []), key)
            command, _, environment = key.partition(" ")
            if "/" in key or (environment and not _ENVIRONMENT.fullmatch(environment)):
                self.report('is neither a command nor a command and an environment, "deploy staging"', *path)
                continue
            rule = self._rule(value, path)
            if rule is not None:
                yield Entry(command, rule, environment, pattern, f"{self.source(*path)}: {'.'.join(path)}")

    def _rule(self, value: Any, path: tuple[str, ...]) -> Rule | None:
        words = [value] if isinstance(value, str) else value
        if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
            self.report(_EXAMPLE, *path)
            return None
        levels = [PermissionLevel(word) for word in words if word in {*PermissionLevel}]
        people = [word for word in words if _LOGIN.fullmatch(word)]
        if odd := [word for word in words if word not in {*levels, *people, OWNERS}]:
            self.report(f"{odd[0]!r}: {unknown(odd[0], _KNOWN, 'level')}", *path)
            return None
        if not words or len(levels) > 1:
            self.report("names two levels; the lower one is enough" if words else "names nobody", *path)
            return None
        level = levels[0] if levels else None
        return Rule(level, tuple(name.removeprefix("@") for name in people), owners=OWNERS in words)
