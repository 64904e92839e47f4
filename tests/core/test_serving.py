import pytest

from bot.core.admission.served import literal, serves
from bot.model.forge import RepoPath


@pytest.mark.parametrize(
    ("patterns", "expected"),
    [
        ((), False),
        (("lin/shop",), True),
        (("LIN/Shop",), True),
        (("lin/*",), True),
        (("*/*",), True),
        (("*",), False),
        (("lin*",), False),
        (("lin",), False),
        (("l?n/s*p",), True),
        (("mei/*",), False),
        (("lin/*", "!lin/shop"), False),
        (("!lin/shop", "lin/*"), True),
        (("lin/*", "!lin/*", "lin/shop"), True),
        (("!mei/shop",), False),
        (("lin/shop/x",), False),
    ],
)
def test_the_last_pattern_that_matches_counts(patterns: tuple[str, ...], expected: bool) -> None:  # noqa: FBT001 - an expectation
    assert serves(patterns, RepoPath("lin", "shop")) is expected


def test_only_full_names_are_literal_repositories() -> None:
    patterns = (
        "lin/shop",
        "mei/*",
        "!lin/old",
        "lin/sh?p",
        "lin/[ab]",
        "lin",
        "lin/",
        "/shop",
        "a/b/c",
        "Mei/Bar",
    )
    assert literal(patterns) == (RepoPath("lin", "shop"), RepoPath("Mei", "Bar"))
