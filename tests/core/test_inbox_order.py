"""Which deliveries come first, and when denied ones are tried again."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.admission.inbox import (
    LONGEST_WAIT,
    RETRY_SPACING,
    Candidate,
    choose,
    retry_at,
    share,
)

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def candidate(number: int, *, known: bool = True, denied: bool = False, key: str = "") -> Candidate:
    return Candidate(key or str(number), ("team/shop", number), known, denied)


@pytest.mark.attack
def test_a_known_pull_request_comes_before_a_flood_of_unknown_ones() -> None:
    flood = [candidate(number, known=False) for number in range(100, 1300)]

    chosen = choose([*flood, candidate(7)], [], 16)

    assert chosen[0] == "7"
    assert len(chosen) == 16


@pytest.mark.attack
def test_there_is_always_room_for_a_known_pull_request() -> None:
    flood = [candidate(number, known=False) for number in range(100, 1300)]
    denied = candidate(8, denied=True)

    assert choose([*flood, denied], [], 0, 4) == ()
    assert choose([*flood, denied, candidate(7)], [], 0, 4) == ("7",)
    assert len(choose([candidate(number) for number in range(9)], [], 0, 4)) == 4
    assert len(choose([candidate(number) for number in range(9)], [], 2, 4)) == 6
    assert len(choose([candidate(1), *flood], [], 2, 4)) == 2


@pytest.mark.attack
def test_what_gitee_denied_comes_last() -> None:
    waiting = [candidate(1, denied=True), candidate(2, known=False, denied=True), candidate(3, known=False)]

    assert choose([*waiting, candidate(4)], [], 16) == ("4", "3", "1", "2")


def test_deliveries_of_one_pull_request_are_decided_in_order_and_one_at_a_time() -> None:
    waiting = [candidate(1, key="a"), candidate(1, key="b"), candidate(2, key="c")]

    assert choose(waiting, [], 16) == ("a", "c")
    assert choose(waiting, [("team/shop", 1)], 16) == ("c",)
    assert choose(waiting, [], 1) == ("a",)
    assert choose(waiting, [], 0) == ()


@given(
    st.lists(st.tuples(st.integers(1, 5), st.booleans(), st.booleans())),
    st.integers(0, 20),
    st.integers(0, 20),
)
def test_choices_fit(waiting: list[tuple[int, bool, bool]], room: int, reserved: int) -> None:
    given_ones = [
        candidate(number, known=known, denied=denied, key=str(index))
        for index, (number, known, denied) in enumerate(waiting)
    ]
    by_key = {one.key: one for one in given_ones}

    chosen = [by_key[key] for key in choose(given_ones, [], room, reserved)]

    assert len(chosen) <= room + reserved
    assert len({one.pull for one in chosen}) == len(chosen)
    assert sum(one.denied or not one.known for one in chosen) <= room


def test_a_single_denied_delivery_is_tried_again_when_it_wishes() -> None:
    assert retry_at(NOW + timedelta(seconds=2), None, NOW) == NOW + timedelta(seconds=2)
    assert retry_at(NOW + timedelta(seconds=9), NOW, NOW) == NOW + timedelta(seconds=9)


@pytest.mark.attack
def test_denied_deliveries_of_a_repository_share_a_budget() -> None:
    latest: datetime | None = None
    tried = 0
    while (due := retry_at(NOW, latest, NOW)) is not None:
        latest, tried = due, tried + 1

    assert tried == LONGEST_WAIT / RETRY_SPACING + 1
    assert retry_at(NOW, latest, NOW + timedelta(minutes=1)) is not None


def test_no_repository_fills_the_inbox_alone() -> None:
    assert [share(capacity) for capacity in (1, 2, 3, 10_000)] == [1, 1, 2, 5_000]
