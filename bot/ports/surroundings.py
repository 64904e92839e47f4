"""What everything is given: the time, a place to write, and the words for what is shown."""

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

from bot.model.report import Report
from bot.model.text import Language
from bot.model.views import View


class Clock(Protocol):
    """The time, so that tests can own it."""

    def now(self) -> datetime:
        """Return the current time, aware, UTC."""
        ...


class Log(Protocol):
    """The live log of one step. What is written is shown to people: secrets are masked on the way."""

    def write(self, text: str) -> None:
        """Append output as it came, newlines included."""
        ...

    def note(self, text: str) -> None:
        """Append a line of the bot's own, told apart from output."""
        ...

    def tail(self, lines: int = 40) -> str:
        """Return the last lines of output."""
        ...


class LogReader(Protocol):
    """Reads what steps have logged."""

    async def tail(self, run: int, step: str, limit: int) -> str:
        """Return whole lines from the last `limit` bytes of a step's log: hostile text, secrets masked.

        Empty where there is no log. Raises RetryLater(STORE_UNAVAILABLE).
        """
        ...


class Renderer(Protocol):
    """Words for views."""

    def render(self, view: View, language: Language, marker: str) -> str:
        """Return the comment's Markdown, the hidden `marker` included, within Gitee's size."""
        ...


class Reports(Protocol):
    """Keeps test reports and step logs where the pages find them."""

    def log(self, run: int, step: str) -> Log:
        """Open the live log of a step for appending."""
        ...

    async def flush(self, run: int, step: str) -> None:
        """Return when all that was written to a log so far is where every page finds it.

        Raises RetryLater(STORE_UNAVAILABLE).
        """
        ...

    async def save(
        self, run: int, suite: str, report: Report, files: Mapping[str, bytes], *, about: str = ""
    ) -> None:
        """Keep a suite's results and the files it has made; `about` says in a line what was tested."""
        ...
