"""The command that a failed test with generated values prints, and that it repeats the failure."""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.crash import test_kills_with_docker, test_nemesis
from tests.suite.make_commands import make_command

ROOT = Path(__file__).parents[2]
StandIn = Callable[[str, str], Path]
Run = Callable[..., subprocess.CompletedProcess[str]]
PROPERTY = """
import pytest
from hypothesis import given, settings, strategies
tried = []

@pytest.mark.xdist_group("some")
@settings(database=None)
@given(strategies.integers(), strategies.text())
def test_property(n, text):
    tried.append(n)
    assert n < 1000

def test_how_often(): assert not tried, f"tried {len(tried)}"
def test_plain(): assert False
"""
CRASH = """
import os
SEED, FAULTS = int(os.environ.get("SEED", 17)), int(os.environ.get("FAULTS", 3))
def test_crash(): assert False, f"{SEED} {FAULTS}"
def test_passes(): pass
"""


def pytest_output(folder: Path, *arguments: str, **variables: str) -> str:
    """Run pytest with the settings and the hooks of this project."""
    project = ("-c", str(ROOT / "pyproject.toml"), "--rootdir=.", "-p", "tests.conftest")
    done = subprocess.run(  # noqa: S603 - constant arguments
        [sys.executable, "-m", "pytest", *project, *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), **variables},
        check=False,
        capture_output=True,
        text=True,
    )
    return done.stdout


def commands(said: str) -> list[str]:
    return re.findall(r"^make .*", said, re.MULTILINE)


def words(command: str) -> tuple[list[str], dict[str, str]]:
    """Return the arguments that such a command passes to pytest, and its other variables."""
    make, test, *settings = shlex.split(command)
    assert (make, test) == ("make", "test")
    values = dict(setting.split("=", 1) for setting in settings)
    return shlex.split(values.pop("ARGS").replace("$$", "$")), values


def test_a_failed_property_test_prints_the_command_with_its_values(tmp_path: Path) -> None:
    (tmp_path / "test_x.py").write_text(PROPERTY)
    said = pytest_output(tmp_path, "-n", "1", "--dist", "loadgroup", "test_x.py")
    [command] = commands(said)
    assert "- replay -" in said
    arguments, _ = words(command)
    assert arguments[0] == "test_x.py::test_property", "without the group that pytest-xdist adds"
    again = pytest_output(tmp_path, *arguments, "test_x.py::test_how_often")
    assert "assert 1000 < 1000" in again
    assert "tried 1\n" in again, "these values and no others"


def test_a_failed_crash_test_prints_the_command_with_its_seed(tmp_path: Path) -> None:
    (tmp_path / "test_x.py").write_text(CRASH)
    [command] = commands(pytest_output(tmp_path, "test_x.py", SEED="99", FAULTS="3"))
    arguments, variables = words(command)
    assert (arguments, variables) == (["test_x.py::test_crash"], {"SEED": "99", "FAULTS": "3"})


@pytest.mark.parametrize("module", [test_kills_with_docker, test_nemesis])
def test_crash_tests_have_a_seed_and_a_number_of_faults(module: object) -> None:
    assert {"SEED", "FAULTS"} <= vars(module).keys()


@pytest.mark.parametrize("name", ["test_x[1]", "test_x[$HOME \"and\" 'more' `x` \\\\u4e2d #]", "test_x[$$]"])
def test_make_passes_any_test_name_to_pytest_unchanged(
    run: Run, checkout: Path, stand_in: StandIn, name: str
) -> None:
    stand_in(str(checkout / ".venv/bin/python"), "")
    stand_in(str(checkout / "deploy/local/venv.sh"), "")
    stand_in(str(checkout / "deploy/local/suite.sh"), 'printf "%s\\n" "$@" "$SEED"')
    done = run("bash", "-c", make_command("test", [name, "--replay=AXic=="], SEED=5))
    assert done.stdout.splitlines() == [name, "--replay=AXic==", "5"]


def test_a_common_name_stays_readable() -> None:
    assert (
        make_command("test", ["tests/a.py::test_x[1]"], SEED=5)
        == "make test ARGS=\"'tests/a.py::test_x[1]'\" SEED=5"
    )
