"""pytest-xdist's workers: one worker runs all tests of a group, which share something costly."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
GROUPED = """
import os, pathlib, pytest
pytestmark = pytest.mark.xdist_group("image")
@pytest.mark.parametrize("number", range(5))
def test_it(number): pathlib.Path(os.environ["PYTEST_XDIST_WORKER"]).touch()
"""


def test_the_tests_of_a_group_run_on_one_worker(tmp_path: Path) -> None:
    for name in ("test_first.py", "test_second.py"):
        (tmp_path / name).write_text(GROUPED)
    command = [sys.executable, "-m", "pytest", "-c", str(ROOT / "pyproject.toml"), "--rootdir=."]
    done = subprocess.run(  # noqa: S603 - constant arguments
        [*command, "-n", "2", "--dist", "loadgroup", "test_first.py", "test_second.py"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=False,
        capture_output=True,
        text=True,
    )
    assert "10 passed" in done.stdout
    assert len(list(tmp_path.glob("gw*"))) == 1
