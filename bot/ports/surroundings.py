"""Ports that all parts use: the clock, the log of a step, the renderer, and the reports."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from bot.model.lease import Lease
from bot.model.report import Report
from bot.model.text import Language
from bot.model.views import View


class Clock(Protocol):
    """The clock, which tests replace."""

    def now(self) -> datetime:
        """Return the current time, aware, UTC."""
        ...


class Log(Protocol):
    """The live log of a step. People can read it, so secrets are masked before it is written."""

    def write(self, text: str) -> None:
        """Append output unchanged, newlines included."""
        ...

    def note(self, text: str) -> None:
        """Append a line from the bot itself, which is marked as such."""
        ...

    def tail(self, lines: int = 40) -> str:
        """Return the last lines of output."""
        ...


class Secrets(Protocol):
    """The operator's secrets."""

    async def read(self, name: str) -> bytes:
        """Return the present value of a secret, which is masked everywhere from then on.

        Raises GiveUp(SECRET_UNREADABLE), RetryLater(CLUSTER_UNAVAILABLE).
        """
        ...


class LogReader(Protocol):
    """Reads what steps have logged."""

    async def tail(self, run: int, step: str, limit: int) -> str:
        """Return whole lines from the last `limit` bytes of a step's log: hostile text, secrets masked.

        Empty where there is no log. Raises RetryLater(STORE_UNAVAILABLE).
        """
        ...

    async def kept_services(self, run: int) -> Sequence[str]:
        """Return the names of the services whose output `Reports.keep_service` has kept. Raises as `tail`."""
        ...

    async def kept_service(self, run: int, name: str) -> str | None:
        """Return what was kept of a service's output: hostile text, secrets masked. Raises as `tail`."""
        ...


class Renderer(Protocol):
    """Renders views in the languages of people."""

    def render(self, view: View, language: Language, marker: str) -> str:
        """Return the comment's Markdown, with the hidden `marker`, within Gitee's size limit."""
        ...


class Reports(Protocol):
    """Stores test reports and step logs for the pages."""

    def log(self, run: int, step: str) -> Log:
        """Open the live log of a step for appending."""
        ...

    async def clear(self, run: int, lease: Lease) -> None:
        """Remove what a run of a lost store with this number has left, as long as the lease holds the run.

        Raises RetryLater(STORE_UNAVAILABLE).
        """
        ...

    async def flush(self, run: int, step: str) -> None:
        """Write what was logged so far, so that the pages of every replica show it.

        Raises RetryLater(STORE_UNAVAILABLE).
        """
        ...

    async def save(
        self, run: int, suite: str, report: Report, files: Mapping[str, bytes], *, about: str = ""
    ) -> None:
        """Store a suite's results and the files that it created; `about` says in a line what was tested."""
        ...

    async def keep_service(self, run: int, name: str, text: str) -> None:
        """Store the output of a service that a run has deployed and that is about to be removed.

        Raises RetryLater(STORE_UNAVAILABLE).
        """
        ...
