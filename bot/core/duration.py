"""Durations as people type them, in either language; `bot.words.quantities` shows how long something took."""

import re
import unicodedata
from datetime import timedelta

MINIMUM = timedelta(minutes=1)
MAXIMUM = timedelta(days=90)
LONGEST_KEPT = timedelta(days=3650)

_UNITS = (
    (604_800, r"w|周"),
    (86_400, r"d|天|日"),
    (3_600, r"h|小时|时"),
    (60, r"m|min|分钟|分"),
    (1, r"s|秒钟|秒"),
)
_FORM = re.compile(
    r"\s*".join(rf"(?:([0-9]{{1,7}})\s*(?:{names}))?" for _, names in _UNITS), re.ASCII | re.IGNORECASE
)
_COMPACT = ((86_400, "d"), (3_600, "h"), (60, "m"), (1, "s"))


def parse(text: str, *, minimum: timedelta = MINIMUM, maximum: timedelta = MAXIMUM) -> timedelta:
    """Read `3d`, `8h`, `2h30m`, `90m`, `2天` or `3小时`, larger units first.

    Raises ValueError for anything else, and for durations outside of `minimum` and `maximum`.
    """
    found = _FORM.fullmatch(unicodedata.normalize("NFKC", text).strip())
    if found is None or not any(found.groups()):
        raise ValueError(f"not a duration: {text!r}")
    amounts = zip(found.groups(), _UNITS, strict=True)
    value = timedelta(seconds=sum(int(amount or 0) * unit for amount, (unit, _) in amounts))
    if not minimum <= value <= maximum:
        raise ValueError(f"not between {minimum} and {maximum}: {text!r}")
    return value


def compact(value: timedelta) -> str:
    """Format a duration as people write it in a command, such as `3d` or `2h30m`."""
    rest = int(value.total_seconds())
    parts: list[str] = []
    for size, unit in _COMPACT:
        amount, rest = divmod(rest, size)
        parts += [f"{amount}{unit}"] if amount else []
    return "".join(parts) or "0s"
