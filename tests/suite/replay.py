"""A test that failed on generated values prints the command that repeats the failure with the same values.

For a property test these are the values themselves: what Hypothesis makes of a seed depends on which modules
are loaded, so that a seed of the whole suite may find nothing where one test runs alone. For a crash test
they are SEED and KILLS, which decide what is done, not how long it takes.
"""

import ast
import re
from collections.abc import Iterator, Sequence

import hypothesis
import pytest

from tests.suite.doors import typed

OPTION = "--replay"
VARIABLES = ("SEED", "KILLS")
"""Module constants of crash tests that are read from the environment."""
_DECORATOR = re.compile(r"@reproduce_failure\('[^']*', (b'[^']*')\)")


def add_option(parser: pytest.Parser) -> None:
    """Declare `--replay`."""
    parser.addoption(OPTION, metavar="BLOB", help="run the property test on these values only")


def apply(config: pytest.Config, items: Sequence[pytest.Item]) -> None:
    """Make the selected property test run on the values of `--replay`."""
    if blob := config.getoption(OPTION):
        again = hypothesis.reproduce_failure(hypothesis.__version__, str(blob).encode())
        for item in items:
            if isinstance(item, pytest.Function) and hypothesis.is_hypothesis_test(item.function):
                again(item.function)


def commands(item: pytest.Item, text: str) -> Iterator[str]:
    """Return the commands that repeat a failure with this text; none for a test without generated values."""
    if not isinstance(item, pytest.Function):
        return
    if drawn := {name: getattr(item.module, name) for name in VARIABLES if hasattr(item.module, name)}:
        yield typed("test", [node_id(item)], **drawn)
    for blob in dict.fromkeys(_DECORATOR.findall(text)):
        yield typed("test", [node_id(item), f"{OPTION}={ast.literal_eval(blob).decode()}"])


def node_id(item: pytest.Item) -> str:
    """Return the id that pytest accepts, without the group that pytest-xdist appends."""
    grouped = item.get_closest_marker("xdist_group") and "@" in item.nodeid.rpartition("]")[2]
    return item.nodeid.rpartition("@")[0] if grouped else item.nodeid
