"""The order in which services start."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.environments.startup import cycle, waves

NAMES = st.sampled_from("abcdefgh")


@pytest.mark.parametrize(
    ("needs", "expected"),
    [
        ({}, ()),
        ({"b": [], "a": []}, (("a", "b"),)),
        ({"a": ["b"], "b": []}, (("b",), ("a",))),
        ({"a": ["b", "c"], "b": ["c"], "c": [], "d": []}, (("c", "d"), ("b",), ("a",))),
        ({"a": ["unknown"]}, (("a",),)),
        ({"a": ["b"], "b": ["a"], "c": []}, (("c",),)),
    ],
)
def test_each_starts_after_all_that_it_depends_on(
    needs: dict[str, list[str]], expected: tuple[tuple[str, ...], ...]
) -> None:
    assert waves(needs) == expected


@pytest.mark.parametrize(
    ("needs", "expected"),
    [
        ({"a": ["b"], "b": []}, ()),
        ({"a": ["a"]}, ("a",)),
        ({"a": ["b"], "b": ["c"], "c": ["a"]}, ("a", "b", "c")),
        ({"a": ["b"], "b": ["c"], "c": ["b"]}, ("b", "c")),
    ],
)
def test_a_cycle_is_found(needs: dict[str, list[str]], expected: tuple[str, ...]) -> None:
    assert cycle(needs) == expected


@given(st.dictionaries(NAMES, st.lists(NAMES)))
def test_everything_starts_once_unless_there_is_a_cycle(needs: dict[str, list[str]]) -> None:
    started = [name for wave in waves(needs) for name in wave]
    found = cycle(needs)

    assert bool(found) == (len(started) < len(needs))
    assert sorted(set(started)) == sorted(started)
    assert all(
        following in needs[name] for name, following in zip(found, (*found[1:], *found[:1]), strict=True)
    )
