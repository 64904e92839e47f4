"""Durations and sizes as people read them; what people type is read by `bot.core.duration`."""

from bot.model.text import Language, Text

MINUTE, HOUR, DAY = 60, 3600, 86_400

_MILLISECONDS = Text(en="{} ms", zh="{} 毫秒")
_SECONDS = Text(en="{} s", zh="{} 秒")
_LARGER = (
    (DAY, HOUR, Text(en="{} d", zh="{} 天"), Text(en="{} d {} h", zh="{} 天 {} 小时")),
    (HOUR, MINUTE, Text(en="{} h", zh="{} 小时"), Text(en="{} h {} min", zh="{} 小时 {} 分")),
    (MINUTE, 1, Text(en="{} min", zh="{} 分钟"), Text(en="{} min {} s", zh="{} 分 {} 秒")),
)
_MILLISECONDS_BELOW = 100
_TENTHS_BELOW = 9.95
_STEP = 1000
_HUNDRED = 100
_UNITS = ("B", "kB", "MB", "GB", "TB")


def duration(seconds: float, language: Language) -> str:
    """Return a duration by its two largest units, such as `62 ms`, `4.2 s`, `1 min 5 s` or `2 小时`."""
    thousandths = max(0, round(seconds * 1000))  # a test report may claim less than nothing
    if thousandths < _MILLISECONDS_BELOW:
        return _MILLISECONDS.say(language).format(thousandths)
    if seconds < _TENTHS_BELOW:
        return _SECONDS.say(language).format(f"{seconds:.1f}".removesuffix(".0"))
    whole = round(seconds)
    for unit, smaller, alone, both in _LARGER:
        if whole >= unit:
            large, small = whole // unit, whole % unit // smaller
            return (both if small else alone).say(language).format(large, small)
    return _SECONDS.say(language).format(whole)


def size(count: int) -> str:
    """Return bytes such as `46.2 MB`: at most three digits, in powers of ten as `docker images` has them."""
    amount, units = float(count), iter(_UNITS)
    unit = next(units)
    for larger in units:
        if round(amount) < _STEP:
            break
        amount, unit = amount / _STEP, larger
    tenths = round(amount) < _HUNDRED and unit != "B"
    return f"{amount:.1f} {unit}".replace(".0 ", " ") if tenths else f"{amount:.0f} {unit}"
