"""Coverage is measured in the tests of the pure code, and in no others."""

from pathlib import Path

import pytest

from tests.suite.measured import OF_PURE_CODE, is_pure

pytest_plugins = ["pytester"]
SETTINGS = '[tool.coverage.run]\nsource = ["measured"]\n'
CONFTEST = """
import pytest
from tests.suite import measured

measured.OF_PURE_CODE = (measured.Path(__file__).parent / "test_pure.py",)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item, nextitem):
    with measured.only_pure(item):
        return (yield)
"""
CODE = "def pure():\n    return 1\n\n\ndef other():\n    return 1\n"
TEST = """
import pytest, measured

@pytest.fixture
def used():
    measured.{0}()

def test(used):
    measured.{0}()
"""


def test_the_tests_of_the_pure_code_exist() -> None:
    assert all(part.exists() for part in OF_PURE_CODE)
    assert is_pure(Path(__file__).parents[1] / "core" / "test_decide.py")
    assert not is_pure(Path(__file__))


@pytest.mark.parametrize("processes", ["0", "2"])
def test_other_tests_and_their_fixtures_are_not_measured(pytester: pytest.Pytester, processes: str) -> None:
    pytester.makeconftest(CONFTEST)
    pytester.makepyprojecttoml(SETTINGS)
    pytester.makepyfile(measured=CODE, test_pure=TEST.format("pure"), test_other=TEST.format("other"))

    done = pytester.runpytest_subprocess("--cov", "--cov-report=term-missing", "-n", processes)

    done.assert_outcomes(passed=2)
    done.stdout.re_match_lines([r"measured\.py +4 +1 +75% +6"])
