"""Runs only the tests that failed last time, when the bot names them (`/retest failed`)."""

import os


def pytest_collection_modifyitems(config, items):
    """Keep the tests named in CHATOPS_FAILED_TESTS, one a line as `suite::name`; all when none is known."""
    named = {line.rpartition("::")[2] for line in os.environ.get("CHATOPS_FAILED_TESTS", "").splitlines()}
    wanted = [item for item in items if item.name in named]
    if wanted:
        config.hook.pytest_deselected(items=[item for item in items if item not in wanted])
        items[:] = wanted
