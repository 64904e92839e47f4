"""Finds a small script that still fails: acts are dropped as long as the history breaks a rule."""

from collections.abc import Callable

from tests.simulation.history import play
from tests.simulation.script import Script


def breaks_a_rule(script: Script) -> bool:
    """Whether the history of a script breaks a rule."""
    return bool(play(script).problems)


def shrunk(script: Script, fails: Callable[[Script], bool] = breaks_a_rule) -> Script:
    """Return a script from which no act can be dropped, halves first, then ever smaller parts.

    Zeller and Hildebrandt, Simplifying and isolating failure-inducing input, IEEE TSE 28 (2), 2002.
    """
    size = len(script.acts) // 2
    while size > 0:
        smaller = _without_parts(script, size, fails)
        # What could be dropped may have been all that kept another act.
        size = size if size == 1 and smaller != script else size // 2
        script = smaller
    return script


def _without_parts(script: Script, size: int, fails: Callable[[Script], bool]) -> Script:
    start = 0
    while start < len(script.acts):
        smaller = script.without(range(start, start + size))
        if fails(smaller):
            script = smaller
        else:
            start += size
    return script
