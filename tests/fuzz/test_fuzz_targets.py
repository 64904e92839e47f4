"""Every target with its corpus, with inputs that Hypothesis makes of it, and with twice the work."""

import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz.__main__ import main
from tests.fuzz.targets import CORPUS, TARGETS

LARGEST_CORPUS = 200_000
SEEDS = [(name, seed) for name, target in TARGETS.items() for seed in target.seeds(name)]
EVERY_SEED = pytest.mark.parametrize(
    ("name", "seed"), SEEDS, ids=[f"{name} {seed.name}" for name, seed in SEEDS]
)


def test_the_corpora_are_small_and_each_belongs_to_a_target() -> None:
    assert {folder.name for folder in CORPUS.iterdir()} <= set(TARGETS)
    assert sum(file.stat().st_size for file in CORPUS.rglob("*") if file.is_file()) < LARGEST_CORPUS
    assert all(target.seeds(name) for name, target in TARGETS.items())


def test_an_unknown_target_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["1", "junit", "nothing"]) == 2
    assert capsys.readouterr().out.startswith("no target nothing; there are: webhook, comment,")


@pytest.mark.attack
@EVERY_SEED
def test_no_known_input_breaks_a_target(name: str, seed: Path) -> None:
    TARGETS[name].run(seed.read_bytes())


def mutations(seeds: list[bytes]) -> st.SearchStrategy[bytes]:
    """Return strategy for bytes cut out of seeds and put together in any order, with others between them."""
    pieces = st.builds(
        lambda seed, start, length: seed[start % len(seed) :][:length],
        st.sampled_from(seeds),
        st.integers(0, 1 << 16),
        st.integers(0, 400),
    )
    return st.lists(
        st.one_of(pieces, st.binary(max_size=8), st.text(max_size=8).map(str.encode)), max_size=12
    ).map(b"".join)


@pytest.mark.attack
@pytest.mark.parametrize("name", TARGETS)
def test_no_mixture_of_inputs_breaks_a_target(name: str) -> None:
    target = TARGETS[name]

    @settings(max_examples=100, database=None)
    @given(mutations([seed.read_bytes() for seed in target.seeds(name)]))
    def holds(data: bytes) -> None:
        target.run(data)

    holds()


def calls(function: Callable[[], object]) -> int:
    """Return how many functions are called: a measure of work that no clock and no load changes."""
    count = 0

    def profile(_frame: FrameType, event: str, _: object) -> None:
        nonlocal count
        count += event in {"call", "c_call"}

    before = sys.getprofile()
    sys.setprofile(profile)
    try:
        function()
    finally:
        sys.setprofile(before)
    return count


@pytest.mark.attack
@EVERY_SEED
def test_work_grows_no_faster_than_the_input(name: str, seed: Path) -> None:
    run, data = TARGETS[name].run, seed.read_bytes()
    run(data)  # what is cached by the first call is no work of the others

    small, large = (calls(lambda times=times: run(data * times)) for times in (4, 8))  # type: ignore[misc] # a bound default

    assert large <= 3 * small + 2_000
