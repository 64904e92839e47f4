"""Makes the setup scripts importable, and replaces the programs that would change this machine."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.real.parts import PATIENCE

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "deploy/local"))

StandIn = Callable[[str, str], Path]
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Create a folder with the Makefile, .ci/run and the setup scripts, and with nothing installed."""
    folder = tmp_path / "checkout"
    for name in ("deploy/local", ".ci"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("Makefile", "pyproject.toml", "requirements-dev.lock"):
        shutil.copy(ROOT / name, folder / name)
    return folder


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """Create a folder that is first on PATH."""
    folder = tmp_path / "programs"
    folder.mkdir()
    return folder


@pytest.fixture
def stand_in(programs: Path) -> StandIn:
    """Return a function that writes a shell script in place of a program."""

    def write(name: str, script: str) -> Path:
        path = programs / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"#!/bin/bash\n{script}\n")
        path.chmod(0o755)
        return path

    return write


@pytest.fixture
def run(checkout: Path, programs: Path) -> Run:
    """Return a function that runs a command in the checkout, with the replaced programs first on PATH."""

    def command(*words: str, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(  # noqa: S603 - constant arguments
            words,
            cwd=checkout,
            env={"PATH": f"{programs}:{os.environ['PATH']}", "HOME": str(checkout), **variables},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=PATIENCE,
        )

    return command
