"""Advances the clock of the test's event loop."""

import asyncio

from tests.fakes.log import FakeLog


def advance(seconds: float) -> None:
    """Advance the loop's clock: timers that are due by then fire, in order."""
    loop = asyncio.get_running_loop()
    before = loop.time
    loop.time = lambda: before() + seconds  # type: ignore[method-assign] # only this loop, which ends with its test


class AdvancingLog(FakeLog):
    """A log that advances the clock once these words have been written to it."""

    def __init__(self, words: str, seconds: float) -> None:
        super().__init__()
        self._words, self._seconds = words, seconds

    def write(self, text: str) -> None:
        already = self._words in self.text
        super().write(text)
        if not already and self._words in self.text:
            advance(self._seconds)
