"""Compares words for “did you mean”; strict, because a wrong guess is noise."""

from collections.abc import Iterable

_SHORT = 4
_LONG = 7


def distance(one: str, other: str) -> int:
    """Return the number of insertions, deletions, replacements and swaps of adjacent letters."""
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, start=1):
        before, row, above = row, [i], before
        for j, b in enumerate(other, start=1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (a != b))
            if i > 1 and j > 1 and (a, one[i - 2]) == (other[j - 2], b):
                cost = min(cost, above[j - 2] + 1)
            row.append(cost)
    return row[-1]


def nearest(word: str, candidates: Iterable[str]) -> str | None:
    """Return the candidate that `word` most likely means, or None; for short words always None.

    Both must begin alike: people rarely mistype the first letter, and `/rest` does not mean `/test`.
    """
    near = [
        (distance(word, candidate), candidate)
        for candidate in candidates
        if abs(len(word) - len(candidate)) <= _tolerance(word, candidate) and _begin_alike(word, candidate)
    ]
    best = min(near, default=None)
    if best is None or best[0] > _tolerance(word, best[1]):
        return None
    return best[1]


def _begin_alike(one: str, other: str) -> bool:
    return one[:1] == other[:1] or one[:2] == other[1::-1]


def _tolerance(one: str, other: str) -> int:
    length = min(len(one), len(other))
    if length < _SHORT:
        return 0
    return 1 if length < _LONG else 2
