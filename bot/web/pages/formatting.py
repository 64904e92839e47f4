"""How long ago or until something is, for pages: pure."""

from datetime import datetime

from bot.model.text import Language, Text
from bot.words.quantities import DAY, HOUR, MINUTE

PLENTY = 2
"""A unit is used from two of it on: 119 seconds, 2 minutes."""

_PAST = Text(en="{} ago", zh="{}前")
_FUTURE = Text(en="in {}", zh="{}后")
_NOW = Text(en="just now", zh="刚刚")
_SOON = Text(en="any moment", zh="马上")
_LONG = (
    (DAY, Text(en="{} days", zh="{} 天")),
    (HOUR, Text(en="{} hours", zh="{} 小时")),
    (MINUTE, Text(en="{} minutes", zh="{} 分钟")),
    (1, Text(en="{} seconds", zh="{} 秒")),
)


def relative(then: datetime, now: datetime, language: Language) -> str:
    """Return a moment relative to now, such as “3 minutes ago” or “5 小时后”."""
    seconds = (then - now).total_seconds()
    if abs(seconds) < 5:  # noqa: PLR2004 - too short to be worth a number
        return (_NOW if seconds <= 0 else _SOON).say(language)
    frame = _PAST if seconds < 0 else _FUTURE
    return frame.say(language).format(_rough(abs(seconds), language))


def _rough(seconds: float, language: Language) -> str:
    unit, words = next((one for one in _LONG if seconds >= PLENTY * one[0]), _LONG[-1])
    return words.say(language).format(int(seconds // unit))
