"""Patience that ends with words instead of seconds: what fails does so of what was seen, and not of time."""

from collections.abc import Callable, Iterator
from contextvars import ContextVar

import pytest

from bot.runners.kubernetes.rollout_watcher import TRANSIENT_SECONDS
from tests.real.parts import Recorder

Patience = Callable[[Recorder, str], None]
_TIME: ContextVar[Iterator[float] | None] = ContextVar("_TIME", default=None)


@pytest.fixture
def patience(monkeypatch: pytest.MonkeyPatch) -> Patience:
    """Let no time pass for rollouts; those of the task that calls it end once the log says these words."""
    monkeypatch.setattr("bot.runners.kubernetes.rollout_watcher.now", _now)
    return _ends_with


def _now() -> float:
    time = _TIME.get()
    return 0.0 if time is None else next(time)


def _ends_with(log: Recorder, words: str) -> None:
    _TIME.set(_passing_after(log, words))


def _passing_after(log: Recorder, words: str) -> Iterator[float]:
    """Yield the time: from one look at it to the next it passes, once the words are there."""
    time = 0.0
    while True:
        time += TRANSIENT_SECONDS + 1 if words in log.text else 0.0
        yield time
