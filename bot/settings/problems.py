"""Problems with settings, formatted for operators."""

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches


class SettingsError(Exception):
    """The settings cannot be used; `problems` lists every problem, one per line."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


@dataclass(frozen=True, slots=True)
class Problem:
    """A problem with one key, and where the key is set."""

    source: str
    """`chatops.toml:12` or the name of an environment variable."""
    key: str
    message: str

    def __str__(self) -> str:
        return f"{self.source}: {self.key}: {self.message}" if self.key else f"{self.source}: {self.message}"


def unknown(name: str, known: Iterable[str], what: str = "key") -> str:
    """Return the message for an unknown name, with the closest known one."""
    names = sorted(known)
    close = get_close_matches(name.lower(), names, n=1)
    hint = f'did you mean "{close[0]}"?' if close else f"expected one of: {', '.join(names)}"
    return f"unknown {what}; {hint}"
