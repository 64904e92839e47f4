"""`python -m tests.suite.slowest REPORT…`: print the slowest tests of all reports."""

import sys
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from tests.suite import results
from tests.suite.results import Result

SHOWN = 20


def slowest(ended: Iterable[Result]) -> list[str]:
    """Return a line for each of the slowest tests; times include fixtures."""
    seconds: dict[str, float] = defaultdict(float)
    for result in ended:
        seconds[result.name] += result.seconds
    first = sorted(seconds, key=lambda name: (-seconds[name], name))[:SHOWN]
    return [f"{seconds[name]:8.1f} s  {name}" for name in first]


def main(*reports: str) -> None:
    """Print the slowest tests of these reports."""
    print(*slowest(result for report in reports for result in results.read(Path(report))), sep="\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
