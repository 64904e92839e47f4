"""Plays histories of several replicas, and shows that a seed determines all of its history."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.simulation.__main__ import FAILED
from tests.simulation.history import play
from tests.simulation.script import Act, Script, read, script
from tests.simulation.shrinking import shrunk

SEEDS, PART = 300, 20
PRINTED = """
from tests.simulation.history import play
from tests.simulation.script import script
for line in play(script({seed})).lines:
    print(line)
"""


@pytest.mark.parametrize("first", range(0, SEEDS, PART))
def test_no_history_breaks_a_rule(first: int) -> None:
    broken = {seed: found for seed in range(first, first + PART) if (found := play(script(seed)).problems)}
    assert not broken, f"make simulate SEED={min(broken)}"


@pytest.mark.parametrize("file", sorted(FAILED.glob("*.json")), ids=lambda file: file.stem)
def test_a_script_that_failed_once_does_not_fail_again(file: Path) -> None:
    assert play(read(file)).problems == ()


@pytest.mark.parametrize("seed", [1, 2])
def test_a_seed_has_one_history_in_every_process(seed: int) -> None:
    here = play(script(seed)).lines
    assert here == play(script(seed)).lines
    command = [sys.executable, "-c", PRINTED.format(seed=seed)]
    for hashes in ("1", "2"):
        there = subprocess.run(
            command,
            env={**os.environ, "PYTHONHASHSEED": hashes},
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        assert there.stdout.splitlines() == list(here)


def test_a_script_that_fails_is_reduced_to_what_makes_it_fail() -> None:
    acts = tuple(Act(float(at), "kill" if at in {3, 8} else "pause") for at in range(10))
    found = shrunk(Script(1, 3, acts), lambda one: sum(act.kind == "kill" for act in one.acts) == 2)
    assert [act.at for act in found.acts] == [3, 8]


def test_a_script_survives_being_kept(tmp_path: Path) -> None:
    file = tmp_path / "7.json"
    file.write_text(script(7).text())
    assert read(file) == script(7)
