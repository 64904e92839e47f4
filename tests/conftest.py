"""Settings of pytest and Hypothesis, and fixtures for all folders."""

import signal
from collections.abc import Callable, Generator
from pathlib import Path
from types import FrameType

import pytest
from hypothesis import HealthCheck, settings

# Imported here, so that all folders share one server.
from tests.real.pgbouncer import pooled_url
from tests.real.postgres import postgres, postgres_url, store_url
from tests.suite import attacks, replay

__all__ = ["pooled_url", "postgres", "postgres_url", "store_url"]

# Other work shares the machine, so the time for generating or testing one value says nothing.
settings.register_profile(
    "shared", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.load_profile("shared")

GOLDEN = Path(__file__).parent / "golden"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="update the files in tests/golden")
    replay.add_option(parser)


def pytest_configure() -> None:
    # asyncio replaces Python's own handler around each fixture and test. When it puts it back, `signal`
    # formats the replacement, with the fixture's whole value: that took a third of the time of a dialogue.
    signal.signal(signal.SIGINT, _interrupt)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    replay.apply(config, items)
    attacks.mark(items)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for line in attacks.summary(terminalreporter):
        terminalreporter.write_line(line)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.failed and (again := list(replay.commands(item, report.longreprtext))):
        report.sections.append(("replay", "\n".join(again)))
    return report


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """Compare text with a file in tests/golden; with --update-golden, write the file."""

    def compare(name: str, text: str) -> None:
        file = GOLDEN / name
        if request.config.getoption("--update-golden"):
            file.write_text(text, encoding="utf-8")
        assert text == file.read_text(encoding="utf-8")

    return compare
