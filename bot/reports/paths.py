"""Where the files of a run lie. Every name is made safe here, so that nothing leads outside of the folder."""

import hashlib
import re
from pathlib import Path

_SAFE_STEP = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_LENGTH = 48


def slug(name: str) -> str:
    """Return a safe file name for a hostile one; a hash tells apart what would look the same."""
    plain = re.sub(r"[^A-Za-z0-9_-]+", "-", name).strip("-")[:_LENGTH]
    if plain == name and plain:
        return plain
    return f"{plain or 'name'}-{hashlib.sha256(name.encode('utf-8', 'replace')).hexdigest()[:8]}"


def run_folder(data_dir: Path, run: int) -> Path:
    """Return the folder of a run."""
    return data_dir / "runs" / str(int(run))


def log_file(data_dir: Path, run: int, step: str) -> Path:
    """Return the file of a step's log; raises ValueError for what is no step's name."""
    if not _SAFE_STEP.fullmatch(step):
        raise ValueError(f"not a step: {step!r}")
    return run_folder(data_dir, run) / f"{step}.log"


def suite_folder(data_dir: Path, run: int, suite: str) -> Path:
    """Return the folder of a suite's results."""
    return run_folder(data_dir, run) / "suites" / slug(suite)


def report_file(data_dir: Path, run: int) -> Path:
    """Return the file of a run's HTML report."""
    return run_folder(data_dir, run) / "report.html"
