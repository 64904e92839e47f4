"""Measures coverage only in the tests of the pure code.

Other tests run the whole bot, and measuring doubles what they cost. The pure code has tests of its own,
which must cover each of its branches without help from a dialogue that happens to come by.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
OF_PURE_CODE = tuple(
    TESTS / name
    for name in (
        "commands",
        "core",
        "docs/test_pipeline_reference.py",
        "model",
        "pipeline",
        "runners/kubernetes_pure",
        "words",
    )
)


@contextmanager
def only_pure(item: pytest.Item) -> Iterator[None]:
    """Stop measuring while a test of other code, its fixtures included, runs."""
    plugin = item.config.pluginmanager.getplugin("_cov")
    if plugin is None or plugin.cov_controller is None or is_pure(item.path):
        yield
        return
    plugin.cov_controller.pause()
    try:
        yield
    finally:
        plugin.cov_controller.resume()


def is_pure(test: Path) -> bool:
    """Whether a test's file is among the tests of the pure code."""
    return any(test.is_relative_to(part) for part in OF_PURE_CODE)
