"""The model of the lease in docs/adr: it holds, and each of its rules is needed."""

import subprocess
from pathlib import Path

import pytest

from tests.docs.documents import ROOT

MODEL = ROOT / "docs/adr/lease.pml"
RULES = {
    "stop in time": "-DFENCE=5",
    "wait before evicting": "-DSILENT=2",
    "evict no holder of a lock": "-DWITHOUT_LOCK",
    "compare attempts": "-DWITHOUT_ATTEMPT",
}


def verified(folder: Path, *symbols: str) -> str:
    """Let Spin visit every state of the model, in order of distance, and return its report."""
    _run(folder, "spin", *symbols, "-a", str(MODEL))
    _run(folder, "cc", "-O2", "-w", "-DSAFETY", "-DBFS", "-DMEMLIM=1000", "-o", "pan", "pan.c")
    return _run(folder, "./pan")


def _run(folder: Path, *command: str) -> str:
    """Run a command in a folder and return its output."""
    done = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)  # noqa: S603 - of this file
    return done.stdout


def test_no_two_replicas_work_and_no_older_attempt_acts(tmp_path: Path) -> None:
    report = verified(tmp_path)

    assert "errors: 0" in report
    assert "not completed" not in report.lower()


@pytest.mark.parametrize("symbol", RULES.values(), ids=RULES)
def test_the_model_breaks_without(symbol: str, tmp_path: Path) -> None:
    report = verified(tmp_path, symbol)

    assert "errors: 1" in report
    assert "assertion violated" in report
