"""`python -m tests.simulation`: plays histories of many seeds, or one again. See `make simulate`."""

import argparse
import gc
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from tests.simulation.history import History, play
from tests.simulation.script import Script, read, script
from tests.simulation.shrinking import shrunk

FAILED = Path(__file__).parent / "failed"
"""Scripts that failed once; `test_simulation.py` plays them."""
CHUNK = 25


def main(arguments: list[str]) -> int:
    """Play what the arguments say; return 1 if a history broke a rule."""
    parser = argparse.ArgumentParser(prog="make simulate", description=__doc__)
    parser.add_argument("--seeds", type=int, default=10_000, help="how many seeds, from --first on")
    parser.add_argument("--seed", type=int, help="play this seed alone, and show what happened")
    parser.add_argument("--script", type=Path, help="play a script that was kept, likewise")
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    chosen = parser.parse_args(arguments)
    if chosen.script or chosen.seed is not None:
        return _show(read(chosen.script) if chosen.script else script(chosen.seed))
    return _many(range(chosen.first, chosen.first + chosen.seeds), chosen.jobs)


def _show(chosen: Script) -> int:
    history = play(chosen)
    print(chosen.text(), *history.lines, sep="\n")
    return _report(history)


def _report(history: History) -> int:
    for problem in history.problems:
        print(f"✗ {problem}")
    return 1 if history.problems else 0


def _many(seeds: range, jobs: int) -> int:
    """Play many seeds; shrink, keep and show the first that fails."""
    began, played, seconds, failing = time.monotonic(), 0, 0.0, list[int]()
    for seed, length, problems in _played(seeds, jobs):
        played, seconds = played + 1, seconds + length
        if problems:
            failing.append(seed)
            print(f"seed {seed}: {problems[0]}", flush=True)
        if played % 500 == 0:
            print(f"{played} of {len(seeds)} histories, {time.monotonic() - began:.0f} s", flush=True)
    print(f"{played} histories of {seconds / 3600:.1f} h in all, {len(failing)} broke a rule")
    return _keep(min(failing)) if failing else 0


def _played(seeds: range, jobs: int) -> Iterator[tuple[int, float, tuple[str, ...]]]:
    if jobs == 1:
        yield from map(outcome, seeds)
        return
    with ProcessPoolExecutor(jobs) as pool:
        yield from pool.map(outcome, seeds, chunksize=CHUNK)


def outcome(seed: int) -> tuple[int, float, tuple[str, ...]]:
    """Play a seed; return its virtual seconds and its problems."""
    history = play(script(seed))
    return seed, history.seconds, history.problems


def _keep(seed: int) -> int:
    """Shrink a script that fails, keep it, and show it."""
    smallest = shrunk(script(seed))
    FAILED.mkdir(exist_ok=True)
    file = FAILED / f"{seed}.json"
    file.write_text(smallest.text())
    _show(smallest)
    where = file.relative_to(Path.cwd()) if file.is_relative_to(Path.cwd()) else file
    print(f"\n{len(smallest.acts)} acts of seed {seed} suffice; a test plays them from now on: {where}")
    print(f"again: make simulate SCRIPT={where}  the whole seed: make simulate SEED={seed}")
    return 1


if __name__ == "__main__":
    gc.freeze()
    sys.exit(main(sys.argv[1:]))
