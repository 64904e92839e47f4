"""Reading pytest's JUnit XML, and listing the slowest tests."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.suite import results, slowest
from tests.suite.results import Result

ROOT = Path(__file__).parents[2]
TESTS = """
import pytest

@pytest.fixture
def broken():
    yield
    raise ValueError("left behind")

class TestInClass:
    @pytest.mark.parametrize("n", [1])
    def test_passes(self, n): pass

def test_fails(): assert False
def test_skips(): pytest.skip("today")
def test_leaves_something(broken): pass
"""


@pytest.fixture
def report(tmp_path: Path) -> Path:
    """Return the report of a real pytest with the settings of this project."""
    (tmp_path / "test_all.py").write_text(TESTS)
    command = ["-m", "pytest", "-c", str(ROOT / "pyproject.toml"), "--rootdir=.", "--junitxml=report.xml"]
    subprocess.run([sys.executable, *command, "test_all.py"], cwd=tmp_path, check=False, capture_output=True)  # noqa: S603
    return tmp_path / "report.xml"


def test_results_have_names_that_pytest_accepts(report: Path) -> None:
    ended = results.read(report)
    assert {(result.name, result.outcome) for result in ended} == {
        ("test_all.py::TestInClass::test_passes[1]", "passed"),
        ("test_all.py::test_fails", "failed"),
        ("test_all.py::test_skips", "skipped"),
        ("test_all.py::test_leaves_something", "failed"),
    }
    assert all(result.seconds >= 0 for result in ended)


def test_a_missing_report_has_no_results(tmp_path: Path) -> None:
    assert results.read(tmp_path / "report.xml") == []


def test_the_slowest_tests_are_first_and_their_number_is_limited() -> None:
    ended = [Result(f"test_{number:02}", "passed", number) for number in range(30)]
    lines = slowest.slowest(ended)
    assert lines[0] == "    29.0 s  test_29"
    assert len(lines) == 20


def test_a_test_with_two_results_is_listed_once() -> None:
    ended = [Result("test_a", "failed", 1.25), Result("test_b", "passed", 2), Result("test_a", "failed", 1)]
    assert slowest.slowest(ended) == ["     2.2 s  test_a", "     2.0 s  test_b"]


def test_reports_are_combined(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = [tmp_path / "first.xml", tmp_path / "second.xml", tmp_path / "missing.xml"]
    for seconds, file in enumerate(files[:2], 1):
        case = f'<testcase file="{file.stem}.py" classname="{file.stem}" name="test_x" time="{seconds}"/>'
        file.write_text(f"<testsuites><testsuite>{case}</testsuite></testsuites>")
    slowest.main(*map(str, files))
    assert capsys.readouterr().out == "     2.0 s  second.py::test_x\n     1.0 s  first.py::test_x\n"
