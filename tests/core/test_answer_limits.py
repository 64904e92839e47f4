from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.admission.answering import WINDOW, AnswerPolicy, silent_until

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize(
    ("minutes_ago", "most", "silence"),
    [
        ((), 1, None),
        ((0,), 1, 60),
        ((0, 5, 50), 3, 10),
        ((0, 5, 59), 3, 1),
        ((0, 5, 60), 3, None),
        ((0, 5), 3, None),
        ((0, 5, 50, 59), 3, 10),
    ],
)
def test_silence_lasts_until_the_oldest_counted_answer_is_an_hour_old(
    minutes_ago: tuple[int, ...], most: int, silence: int | None
) -> None:
    answered = [NOW - minutes * MINUTE for minutes in minutes_ago]

    until = silent_until(answered, NOW, AnswerPolicy(hourly=most))

    assert until == (None if silence is None else NOW + silence * MINUTE)


@given(st.lists(st.integers(0, 600), max_size=80).map(sorted), st.integers(1, 5))
def test_no_hour_has_more_answers_than_the_policy_grants(asked: list[int], most: int) -> None:
    answered: list[datetime] = []
    for minutes in asked:
        now = NOW + minutes * MINUTE
        if silent_until(answered[:most], now, AnswerPolicy(hourly=most)) is None:
            answered.insert(0, now)

    for at in answered:
        assert sum(at <= one < at + WINDOW for one in answered) <= most
