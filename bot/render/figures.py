"""Figures as people read them: sizes, moments, short digests. No words: those are the templates'."""

from collections.abc import Mapping
from datetime import datetime, timedelta, timezone, tzinfo

GITEE_TIME = timezone(timedelta(hours=8))
"""Gitee shows and sends its times so."""
_STEP = 1000
_TENS = 10


class Facts(dict[str, str]):
    """Facts of a reason. One that is missing shows as a dash: a comment is worth more than a complaint."""

    def __missing__(self, key: str) -> str:
        return "—"


def facts(given: Mapping[str, str]) -> Facts:
    """Make facts fit for templates."""
    return Facts(given)


def size(count: int) -> str:
    """Return bytes as `46.2 MB`, in powers of ten as `docker images` does."""
    amount, units = float(count), iter(("B", "kB", "MB", "GB"))
    unit = next(units)
    for larger in units:
        if amount < _STEP:
            break
        amount, unit = amount / _STEP, larger
    return f"{amount:.0f} {unit}" if unit == "B" or amount >= _TENS * _TENS else f"{amount:.1f} {unit}"


def digest(value: str) -> str:
    """Return `sha256:` and the first twelve digits."""
    name, _, digits = value.rpartition(":")
    return f"{name}:{digits[:12]}" if name else digits[:12]


def moment(when: datetime, zone: tzinfo = GITEE_TIME) -> str:
    """Return day, time and offset, without words."""
    return f"{when.astimezone(zone):%m-%d %H:%M} (UTC{_offset(when.astimezone(zone))})"


def clock(when: datetime, zone: tzinfo = GITEE_TIME) -> str:
    """Return the time of day."""
    return f"{when.astimezone(zone):%H:%M}"


def _offset(when: datetime) -> str:
    text = f"{when:%z}"
    minutes = "" if text.endswith("00") else f":{text[3:]}"
    return f"{text[0]}{int(text[1:3])}{minutes}"
