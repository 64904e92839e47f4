"""`make flaky`: which differences it reports, how a seed repeats an order, and that no process remains."""

import os
import re
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO

import pytest

from tests.suite.differences import Run, differences
from tests.suite.results import FAILED, PASSED, SKIPPED

Flaky = Callable[..., subprocess.Popen[str]]

ROOT = Path(__file__).parents[2]
LIMIT = 300
"""Seconds to wait at most; nothing is expected to take long."""
PROJECT = ("-c", str(ROOT / "pyproject.toml"), "--rootdir=.")
ALONE = ("-n", "0", *PROJECT)
DEPENDS_ON_THE_ORDER = """
done = []
def test_first(): done.append("first")
def test_second(): assert done
"""
ENDLESS = """
import pathlib, pytest, threading
@pytest.fixture
def left():
    yield
    pathlib.Path("tidied").touch()
def test_endless(left):
    pathlib.Path("reached").write_text("x")
    threading.Event().wait()
"""


def run(seed: int, status: int = 0, **outcomes: str) -> Run:
    return Run(seed, f"{seed}.log", status, outcomes)


def test_equal_runs_have_no_differences() -> None:
    assert differences([run(seed, a=PASSED, b=SKIPPED) for seed in range(3)]) == []


def test_a_test_that_fails_sometimes_is_reported_with_seed_and_log() -> None:
    runs = [run(1, a=PASSED, b=PASSED), run(2, 1, a=FAILED, b=PASSED), run(3, a=PASSED, b=PASSED)]
    assert differences(runs) == ["a passed 2 of 3", "    failed: seed 2, 2.log"]


def test_a_test_that_always_fails_is_reported() -> None:
    assert differences([run(1, 1, a=FAILED)]) == ["a passed 0 of 1", "    failed: seed 1, 1.log"]


def test_a_test_that_is_skipped_or_missing_in_one_run_is_reported() -> None:
    runs = [run(1, a=PASSED, b=PASSED), run(2, a=SKIPPED)]
    assert differences(runs) == [
        "a passed 1 of 2",
        "    skipped: seed 2, 2.log",
        "b passed 1 of 2",
        "    not run: seed 2, 2.log",
    ]


def test_an_incomplete_run_is_reported_once_and_not_for_each_missing_test() -> None:
    runs = [run(1, a=PASSED, b=PASSED), run(2, 3, b=PASSED)]
    assert differences(runs) == ["pytest ended with status 3: seed 2, 2.log"]


@pytest.fixture
def flaky(tmp_path: Path) -> Iterator[Flaky]:
    """Return a function that starts it in its own folder and session; end what is left of it afterwards."""
    started: list[subprocess.Popen[str]] = []

    def start(*arguments: str, **variables: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(  # noqa: S603 - constant arguments
            [sys.executable, "-m", "tests.suite.flaky", *arguments],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT), "LOAD": "0", **variables},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


@pytest.fixture
def interrupts_ignored() -> Iterator[None]:
    """Ignore SIGINT, as the background jobs of a script do."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    yield
    signal.signal(signal.SIGINT, before)


def test_the_seed_repeats_an_order_that_fails(tmp_path: Path, flaky: Flaky) -> None:
    (tmp_path / "test_x.py").write_text(DEPENDS_ON_THE_ORDER)
    process = flaky(*ALONE, "test_x.py", TIMES="2", SEED="1")
    said, _ = process.communicate(timeout=LIMIT)
    assert process.returncode == 1
    assert re.search(r"test_x.py::test_second passed 1 of 2", said), said
    assert "test_first passed" not in said
    seed, log = re.findall(r"failed: seed (\d+), (\S+)", said)[0]
    again = flaky(*ALONE, "test_x.py", TIMES="1", SEED=seed)
    said_again, _ = again.communicate(timeout=LIMIT)
    assert "test_x.py::test_second passed 0 of 1" in said_again, "the same order"
    assert f'make flaky ARGS="{" ".join(ALONE)} test_x.py" LOAD=0 TIMES=1' in said_again
    assert "1 failed, 1 passed" in (tmp_path / log).read_text()


def test_all_workers_use_the_order_of_the_seed(tmp_path: Path, flaky: Flaky) -> None:
    expectation = "import os\ndef test_seed(): assert os.environ['SEED'] == '77'\ndef test_more(): pass\n"
    (tmp_path / "test_x.py").write_text(expectation)
    process = flaky(*PROJECT, "test_x.py", TIMES="1", SEED="77", LOAD="1", TEST_WORKERS="2")
    said, _ = process.communicate(timeout=LIMIT)
    assert process.returncode == 0, said
    log = (tmp_path / ".local/flaky/77.log").read_text()
    assert "Using --randomly-seed=77" in log
    assert "2 workers" in log


def test_outside_of_make_flaky_the_order_is_not_random(tmp_path: Path) -> None:
    (tmp_path / "test_x.py").write_text("def test_x(): pass\n")
    command = [sys.executable, "-m", "pytest", *PROJECT, "--collect-only", "test_x.py"]
    done = subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, text=True)  # noqa: S603
    assert "1 test collected" in done.stdout
    assert "random" not in done.stdout


@pytest.mark.usefixtures("interrupts_ignored")
@pytest.mark.parametrize(("asked", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_interrupting_it_leaves_no_process_and_runs_teardowns(
    tmp_path: Path, flaky: Flaky, asked: signal.Signals, status: int
) -> None:
    (tmp_path / "test_x.py").write_text(ENDLESS)
    os.mkfifo(tmp_path / "reached")
    reached = os.open(tmp_path / "reached", os.O_RDONLY | os.O_NONBLOCK)
    process = flaky(*ALONE, "test_x.py", TIMES="3", SEED="1", LOAD="1")
    assert comes(reached)
    os.close(reached)
    # Ctrl-C signals all processes of the terminal, `kill` only one.
    (os.killpg if asked is signal.SIGINT else os.kill)(process.pid, asked)
    said, _ = process.communicate(timeout=LIMIT)
    assert process.returncode == status, said
    assert "Traceback" not in said
    assert (tmp_path / "tidied").exists()
    with pytest.raises(ProcessLookupError):
        os.killpg(process.pid, 0)


def test_the_load_ends_with_its_parent_even_if_that_is_killed() -> None:
    maker = "from tests.suite.flaky import load\nwith load(1): print('made', flush=True); input()"
    command = [sys.executable, "-c", maker]
    with subprocess.Popen(  # noqa: S603 - constant arguments
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == b"made\n"
        process.kill()
        try:
            assert comes(process.stdout), "end of file: both processes are gone"
            assert process.stdout.read() == b""
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def comes(source: int | IO[bytes]) -> bool:
    """Wait until there is data or the end of the file; return False after LIMIT seconds."""
    return bool(select.select([source], [], [], LIMIT)[0])
