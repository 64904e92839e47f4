"""Remembers briefly what Gitee's API returned, because its calls are counted."""

from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from bot.ports import Clock

T = TypeVar("T")

AGE = timedelta(minutes=1)
MOST = 1000
"""Answers that are kept; when there are more, all are dropped."""


@dataclass(frozen=True, slots=True)
class BriefCache(Generic[T]):
    """Answers that are at most a minute old, or as old as `age`."""

    clock: Clock
    age: timedelta = AGE
    _answers: dict[Hashable, tuple[datetime, T]] = field(default_factory=dict)

    async def get(self, key: Hashable, read: Callable[[], Awaitable[T]]) -> T:
        """Return the answer for this key, which is read if there is none or it is too old."""
        now = self.clock.now()
        found = self._answers.get(key)
        if found is not None and now - found[0] < self.age:
            return found[1]
        answer = await read()
        if len(self._answers) >= MOST:
            self._answers.clear()
        self._answers[key] = now, answer
        return answer
