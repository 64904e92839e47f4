"""Durations as people write and read them, in both languages."""

import re
import unicodedata
from datetime import timedelta

from bot.model.text import Language

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
_SHOWN = ((86_400, "d", "天"), (3_600, "h", "小时"), (60, "m", "分"), (1, "s", "秒"))
_DECIMAL_BELOW = 9.95


def parse(text: str, *, minimum: timedelta = MINIMUM, maximum: timedelta = MAXIMUM) -> timedelta:
    """Read `3d`, `8h`, `2h30m`, `90m`, `2天` or `3小时`, larger units first.

    Raises ValueError for anything else and for what is outside of `minimum` and `maximum`.
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
    """Return a duration as people write it under a pull request, such as `3d` or `2h30m`."""
    rest = int(value.total_seconds())
    parts: list[str] = []
    for size, unit, _ in _SHOWN:
        amount, rest = divmod(rest, size)
        parts += [f"{amount}{unit}"] if amount else []
    return "".join(parts) or "0s"


def say(seconds: float, language: Language) -> str:
    """Word a duration shortly, by its two largest units: `1 m 12 s`, `3 天`, `0.4 s`."""
    if seconds < _DECIMAL_BELOW:
        return f"{max(round(seconds, 1), 0):g} {_unit(1, language)}"
    rest = round(seconds)
    parts: list[str] = []
    for size, _, _ in _SHOWN:
        amount, rest = divmod(rest, size)
        if amount:
            parts.append(f"{amount} {_unit(size, language)}")
        elif parts:
            break
    return " ".join(parts[:2])


def _unit(size: int, language: Language) -> str:
    return next(zh if language is Language.ZH else en for unit, en, zh in _SHOWN if unit == size)
