"""What can be wrong with settings, in lines that an operator can act on."""

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches


class SettingsError(Exception):
    """The settings cannot be used; `problems` lists everything that is wrong with them, one line each."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with one key, and where it was said."""

    place: str
    """Such as `chatops.toml:12` or the name of an environment variable."""
    key: str
    message: str

    def __str__(self) -> str:
        return f"{self.place}: {self.key}: {self.message}" if self.key else f"{self.place}: {self.message}"


def unknown(name: str, known: Iterable[str], what: str = "key") -> str:
    """Say that a name is not one of ours, and which was perhaps meant."""
    names = sorted(known)
    close = get_close_matches(name.lower(), names, n=1)
    hint = f'did you mean "{close[0]}"?' if close else f"known here: {', '.join(names)}"
    return f"unknown {what}; {hint}"
