"""Prints, for a failed test with generated values, the command that repeats it with the same values.

The command of a property test contains the values themselves, because the examples that Hypothesis derives
from a seed depend on the loaded modules: with a seed from the whole suite, a single test may pass. The
command of a crash test contains SEED and FAULTS, which determine what happens but not how long it takes.
"""

import ast
import re
from collections.abc import Iterator, Sequence

import hypothesis
import pytest

from tests.suite.make_commands import make_command

OPTION = "--replay"
VARIABLES = ("SEED", "FAULTS")
"""Module constants that crash tests read from the environment."""
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
        yield make_command("test", [node_id(item)], **drawn)
    for blob in dict.fromkeys(_DECORATOR.findall(text)):
        yield make_command("test", [node_id(item), f"{OPTION}={ast.literal_eval(blob).decode()}"])


def node_id(item: pytest.Item) -> str:
    """Return the id that pytest accepts, without the group that pytest-xdist appends."""
    grouped = item.get_closest_marker("xdist_group") and "@" in item.nodeid.rpartition("]")[2]
    return item.nodeid.rpartition("@")[0] if grouped else item.nodeid
