from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# Here, so that one server serves all folders.
from tests.real.postgres import postgres, postgres_url, store_url

__all__ = ["postgres", "postgres_url", "store_url"]

# Other work shares the machine: how long drawing or trying one value takes says nothing.
settings.register_profile("shared", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("shared")

GOLDEN = Path(__file__).parent / "golden"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="write tests/golden/* afresh")


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """Compare text with a file of tests/golden; with --update-golden, write it."""

    def compare(name: str, text: str) -> None:
        file = GOLDEN / name
        if request.config.getoption("--update-golden"):
            file.write_text(text, encoding="utf-8")
        assert text == file.read_text(encoding="utf-8")

    return compare
