"""Times, durations and sizes in words: pure."""

from datetime import datetime

from bot.model.text import Language, Text

MINUTE, HOUR, DAY = 60, 3600, 86_400
PLENTY = 2
"""From two of a unit on, the unit is used."""

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
_SECONDS = Text(en="{} s", zh="{} 秒")
_MINUTES = Text(en="{} min", zh="{} 分钟"), Text(en="{} min {} s", zh="{} 分 {} 秒")
_HOURS = Text(en="{} h", zh="{} 小时"), Text(en="{} h {} min", zh="{} 小时 {} 分")


def relative(then: datetime, now: datetime, language: Language) -> str:
    """Return such as “3 minutes ago” or “5 小时后”."""
    seconds = (then - now).total_seconds()
    if abs(seconds) < 5:  # noqa: PLR2004 - too short to be worth a number
        return (_NOW if seconds <= 0 else _SOON).say(language)
    frame = _PAST if seconds < 0 else _FUTURE
    return frame.say(language).format(_rough(abs(seconds), language))


def duration(seconds: float, language: Language) -> str:
    """Return such as “4.2 s”, “1 min 5 s”, “2 h”."""
    if seconds < 10:  # noqa: PLR2004 - below, tenths are worth showing
        return _SECONDS.say(language).format(f"{max(seconds, 0):.1f}")
    whole = round(seconds)
    if whole < MINUTE:
        return _SECONDS.say(language).format(whole)
    (alone, both), large, small = (_MINUTES, *divmod(whole, MINUTE))
    if whole >= HOUR:
        (alone, both), large, small = (_HOURS, whole // HOUR, whole % HOUR // MINUTE)
    return (both if small else alone).say(language).format(large, small)


def size(count: int) -> str:
    """Return bytes in decimal units, such as “46 MB”."""
    amount, unit = float(count), "B"
    for larger in ("kB", "MB", "GB", "TB"):
        if amount < 1000:  # noqa: PLR2004 - decimal units
            break
        amount, unit = amount / 1000, larger
    return f"{amount:.1f} {unit}" if amount < 10 and unit != "B" else f"{amount:.0f} {unit}"  # noqa: PLR2004


def _rough(seconds: float, language: Language) -> str:
    unit, words = next((one for one in _LONG if seconds >= PLENTY * one[0]), _LONG[-1])
    return words.say(language).format(int(seconds // unit))
