"""`make flaky`: run tests repeatedly, under load and in random order, and report what differs.

The environment variables TIMES, LOAD and SEED set the number of runs, the number of busy processes, and the
first seed. A seed determines the order of the tests, the examples of property tests, the values from
`random`, and the choices of crash tests. It does not determine how long things take and which worker runs
which test; with `-n 0` among the arguments, one process runs them all.
"""

import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.suite import results
from tests.suite.differences import Run, differences
from tests.suite.make_commands import make_command
from tests.suite.results import FAILED

FOLDER = Path(".local/flaky")
OPTIONS = ("-n", os.environ.get("TEST_WORKERS", "2"), "--dist", "loadgroup", "-p", "randomly")
# A busy process ends with its parent, even if the parent is killed.
BUSY = "import os, sys\nwhile os.getppid() == int(sys.argv[1]): pass"


@contextmanager
def load(count: int) -> Iterator[None]:
    """Keep `count` processes busy, at the priority of the tests."""
    command = [sys.executable, "-c", BUSY, str(os.getpid())]
    busy = [subprocess.Popen(command, stderr=subprocess.DEVNULL) for _ in range(count)]
    try:
        yield
    finally:
        for process in busy:
            process.kill()
            process.wait()


def run(seed: int, arguments: Sequence[str]) -> Run:
    """Run the tests once."""
    log, report = FOLDER / f"{seed}.log", FOLDER / f"{seed}.xml"
    report.unlink(missing_ok=True)
    seeds = [f"--randomly-seed={seed}", f"--hypothesis-seed={seed}"]
    command = [sys.executable, "-m", "pytest", *OPTIONS, *seeds, f"--junitxml={report}", *arguments]
    with log.open("w") as output:
        status = finished(command, output.fileno(), {**os.environ, "SEED": str(seed)})
    ended = sorted(results.read(report), key=lambda result: result.outcome == FAILED)
    return Run(seed, str(log), status, {result.name: result.outcome for result in ended})


def finished(command: Sequence[str], output: int, environment: Mapping[str, str]) -> int:
    """Run a command and wait until it has cleaned up, even when this process is asked to stop."""
    child = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, env=environment)
    try:
        return child.wait()
    except SystemExit:  # Ctrl-C reaches the child too, SIGTERM only this process
        child.send_signal(signal.SIGINT)
        raise
    finally:
        child.wait()


def repeated(seeds: Sequence[int], arguments: Sequence[str]) -> Iterator[Run]:
    """Run the tests once for each seed, and report progress."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(seeds, 1):
        print(f"{number} of {len(seeds)}, seed {seed}:", end=" ", flush=True)
        done = run(seed, arguments)
        print(*Path(done.log).read_text(errors="replace").splitlines()[-1:], flush=True)
        yield done


def main(*arguments: str) -> int:
    """Run the tests as the environment says; return 1 when a test failed or results differ."""
    wanted = os.environ
    times, busy = int(wanted.get("TIMES") or 5), int(wanted.get("LOAD") or 2)
    first = int(wanted.get("SEED") or random.randrange(10**6))  # noqa: S311 - no secret
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    # Background jobs of a script ignore SIGINT, and pytest would inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with load(busy):
        runs = list(repeated(range(first, first + times), arguments))
    if not (found := differences(runs)):
        print("\nNo test failed, and no result differs between the runs.")
        return 0
    cluster = {"CLUSTER": "on"} if wanted.get("CLUSTER") == "on" else {}
    print("", *found, "", "To repeat one of these runs:", sep="\n")
    print(f"    {make_command('flaky', arguments, **cluster, LOAD=busy, TIMES=1, SEED='…')}")
    return 1


if __name__ == "__main__":
    try:
        sys.exit(main(*sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
