"""A clock for rollouts that advances when the log contains a text, so that tests depend on no real time."""

from collections.abc import Callable, Iterator
from contextvars import ContextVar

import pytest

from bot.runners.kubernetes.rollout_watcher import TRANSIENT_SECONDS
from tests.fakes.log import FakeLog

TimeOutAfter = Callable[[FakeLog, str], None]
_TIME: ContextVar[Iterator[float] | None] = ContextVar("_TIME", default=None)


@pytest.fixture
def time_out_after(monkeypatch: pytest.MonkeyPatch) -> TimeOutAfter:
    """Stop the clock of rollouts; for the calling task, time out once the log contains a text."""
    monkeypatch.setattr("bot.runners.kubernetes.rollout_watcher.now", _now)
    return _set_time_out


def _now() -> float:
    time = _TIME.get()
    return 0.0 if time is None else next(time)


def _set_time_out(log: FakeLog, words: str) -> None:
    _TIME.set(_advancing_after(log, words))


def _advancing_after(log: FakeLog, words: str) -> Iterator[float]:
    """Yield the time; it advances with each call as soon as the log contains the text."""
    time = 0.0
    while True:
        time += TRANSIENT_SECONDS + 1 if words in log.text else 0.0
        yield time
