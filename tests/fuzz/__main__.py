"""Fuzzes the targets with atheris: `python -m tests.fuzz SECONDS [TARGET …]`, two targets at a time.

An input that breaks a target is saved into its corpus, and `tests/fuzz/test_fuzz_targets.py` repeats it from
then on. Other new inputs are kept in .local/fuzz, so that the next run continues from them.
"""

import importlib.util
import re
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.fuzz.targets import CORPUS, TARGETS

SCRATCH = Path(".local/fuzz")
LONGEST_INPUT = 8192
SLOWEST = 120
"""Seconds after which one input counts as one that never ends, also on a loaded machine."""
PROCESSES = 2


def fuzz(name: str, seconds: float) -> bool:
    """Fuzz one target for this long; return whether it held."""
    scratch, corpus = SCRATCH / name, CORPUS / name
    for folder in (scratch, corpus):
        folder.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        [
            *(sys.executable, "-m", "tests.fuzz.atheris_target", name, str(scratch)),
            *sorted({str(seed.parent) for seed in TARGETS[name].seeds(name)}),
            *(f"-max_total_time={max(1, round(seconds))}", f"-max_len={LONGEST_INPUT}"),
            *(
                f"-timeout={SLOWEST}",
                f"-artifact_prefix={corpus}/",
                "-rss_limit_mb=1024",
                "-print_final_stats=1",
            ),
        ],
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    inputs = re.search(r"number_of_executed_units: *(\d+)", done.stderr)
    print(f"{name:16} {'broke' if done.returncode else 'held':6} {inputs[1] if inputs else 0:>9} inputs")
    if done.returncode:
        print("\n".join(line for line in done.stderr.splitlines() if "INFO: " not in line)[-4000:])
        print(done.stdout[-4000:])  # atheris prints the traceback there
    return done.returncode == 0


def is_installed() -> bool:
    """Install atheris if it is missing; return whether it is there."""
    if importlib.util.find_spec("atheris") is None:
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "--require-hashes", "-r", "requirements-fuzz.lock"], check=False)
        importlib.invalidate_caches()
    return importlib.util.find_spec("atheris") is not None


def main(arguments: Sequence[str]) -> int:
    """Fuzz these targets, or all; return the exit code."""
    seconds, *names = arguments
    if unknown := set(names) - set(TARGETS):
        print(f"no target {', '.join(sorted(unknown))}; there are: {', '.join(TARGETS)}")
        return 2
    if not is_installed():
        print("NOT FUZZED: atheris is not installed, perhaps because it has no package for this Python.")
        return 0
    chosen = names or list(TARGETS)
    each = float(seconds) / len(chosen)
    with ThreadPoolExecutor(PROCESSES) as pool:
        held = list(pool.map(lambda name: fuzz(name, each), chosen))
    print(f"fuzzing: {len(chosen)} targets, {sum(held)} held")
    return 0 if all(held) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
