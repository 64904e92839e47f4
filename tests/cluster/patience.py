"""A clock for rollouts that advances when the log contains a text, so that tests depend on no real time."""

from collections.abc import Callable, Iterator
from contextvars import ContextVar

import pytest

from bot.runners.kubernetes.rollout_watcher import TRANSIENT_SECONDS
from tests.fakes.log import FakeLog

Patience = Callable[[FakeLog, str], None]
_TIME: ContextVar[Iterator[float] | None] = ContextVar("_TIME", default=None)


@pytest.fixture
def patience(monkeypatch: pytest.MonkeyPatch) -> Patience:
    """Stop the clock of rollouts; for the calling task, time out once the log contains a text."""
    monkeypatch.setattr("bot.runners.kubernetes.rollout_watcher.now", _now)
    return _ends_with


def _now() -> float:
    time = _TIME.get()
    return 0.0 if time is None else next(time)


def _ends_with(log: FakeLog, words: str) -> None:
    _TIME.set(_passing_after(log, words))


def _passing_after(log: FakeLog, words: str) -> Iterator[float]:
    """Yield the time; it advances with each call as soon as the log contains the text."""
    time = 0.0
    while True:
        time += TRANSIENT_SECONDS + 1 if words in log.text else 0.0
        yield time
