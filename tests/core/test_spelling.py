import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.language.spelling import distance, nearest

NAMES = ("build", "deploy", "test", "retest", "ok-to-test", "构建", "允许测试")
WORDS = st.text(max_size=8)


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("", "", 0),
        ("", "abc", 3),
        ("build", "build", 0),
        ("biuld", "build", 1),
        ("buld", "build", 1),
        ("buildd", "build", 1),
        ("bxild", "build", 1),
        ("depoly", "deploy", 1),
        ("ca", "abc", 3),
        ("构健", "构建", 1),
    ],
)
def test_distance(one: str, other: str, expected: int) -> None:
    assert distance(one, other) == expected


@given(WORDS, WORDS)
def test_distance_is_symmetric_and_bounded(one: str, other: str) -> None:
    assert distance(one, other) == distance(other, one)
    assert abs(len(one) - len(other)) <= distance(one, other) <= max(len(one), len(other))
    assert (distance(one, other) == 0) is (one == other)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("biuld", "build"),
        ("ubild", "build"),
        ("depoly", "deploy"),
        ("deplyo", "deploy"),
        ("tset", "test"),
        ("retset", "retest"),
        ("oktotest", "ok-to-test"),
        ("允许册试", "允许测试"),
        ("build", "build"),
        ("rest", None),
        ("tst", None),
        ("te", None),
        ("构健", None),
        ("dpely", None),
        ("deployments", None),
        ("", None),
    ],
)
def test_nearest(typed: str, meant: str | None) -> None:
    assert nearest(typed, NAMES) == meant


def test_the_nearest_of_several_wins() -> None:
    assert nearest("retests", ("retested", "retest")) == "retest"


def test_nothing_is_near_nothing() -> None:
    assert nearest("build", ()) is None
