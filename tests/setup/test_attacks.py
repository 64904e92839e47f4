"""The count of attacks at the end of a test run."""

from pathlib import Path

from tests.setup.test_replay import pytest_output

ATTEMPTS = """
import pytest

@pytest.mark.attack
def test_held(): pass

@pytest.mark.attack
def test_broke(): assert False

@pytest.fixture
def broken(): raise OSError

@pytest.mark.attack
def test_not_even_tried(broken): pass

def test_honest(): assert False
"""


def test_marked_tests_are_counted_and_those_that_broke_named(tmp_path: Path) -> None:
    (tmp_path / "test_x.py").write_text(ATTEMPTS)
    for workers in ("0", "2"):
        said = pytest_output(tmp_path, "-n", workers, "test_x.py").splitlines()
        assert "attacks: 3 tried, 1 held" in said
        assert [line for line in said if line.startswith("broke: ")] == [
            "broke: test_x.py::test_broke",
            "broke: test_x.py::test_not_even_tried",
        ]


def test_every_test_of_the_folder_is_an_attack_and_no_other(tmp_path: Path) -> None:
    (tmp_path / "attack").mkdir()
    (tmp_path / "attack" / "test_x.py").write_text("def test_held(): pass")
    (tmp_path / "test_y.py").write_text("def test_honest(): pass")
    assert "attacks: 1 tried, 1 held" in pytest_output(tmp_path, ".").splitlines()
    assert "attacks" not in pytest_output(tmp_path, "test_y.py")
