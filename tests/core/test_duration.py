import contextlib
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core import duration


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("3d", timedelta(days=3)),
        ("8h", timedelta(hours=8)),
        ("2h30m", timedelta(hours=2, minutes=30)),
        ("2h 30m", timedelta(hours=2, minutes=30)),
        ("90m", timedelta(minutes=90)),
        ("15min", timedelta(minutes=15)),
        ("90s", timedelta(seconds=90)),
        ("1w", timedelta(weeks=1)),
        (" 1W2D ", timedelta(days=9)),
        ("2天", timedelta(days=2)),
        ("3小时", timedelta(hours=3)),
        ("2小时30分钟", timedelta(hours=2, minutes=30)),
        ("1周", timedelta(weeks=1)),
        ("２ｈ", timedelta(hours=2)),
    ],
)
def test_common_notations_are_parsed(text: str, expected: timedelta) -> None:
    assert duration.parse(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "3",
        "d",
        "30m2h",
        "2h2h",
        "3x",
        "-3d",
        "3.5d",
        "1e3h",
        "3d!",
        "99999999d",
        "٣d",
        "h3",
        "3 d 4",
    ],
)
def test_invalid_durations_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a duration"):
        duration.parse(text)


@pytest.mark.parametrize("text", ["0s", "59s", "91d", "9999999w"])
def test_durations_out_of_bounds_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not between"):
        duration.parse(text)


def test_the_bounds_are_inclusive() -> None:
    assert duration.parse("1m") == duration.MINIMUM
    assert duration.parse("90d") == duration.MAXIMUM
    assert duration.parse("5s", minimum=timedelta(seconds=5)) == timedelta(seconds=5)


@given(st.text(max_size=12))
def test_parsing_raises_only_value_error(text: str) -> None:
    with contextlib.suppress(ValueError):
        assert duration.MINIMUM <= duration.parse(text) <= duration.MAXIMUM


@given(st.integers(min_value=60, max_value=86_400 * 90))
def test_the_compact_form_can_be_parsed(seconds: int) -> None:
    assert duration.parse(duration.compact(timedelta(seconds=seconds))) == timedelta(seconds=seconds)


def test_the_compact_form_omits_zero_units() -> None:
    assert duration.compact(timedelta(days=3)) == "3d"
    assert duration.compact(timedelta(hours=2, minutes=30)) == "2h30m"
    assert duration.compact(timedelta(0)) == "0s"
