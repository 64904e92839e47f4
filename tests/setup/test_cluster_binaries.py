"""The programs of the test cluster: cached between runs, built again when their recipe changes."""

import os
from collections.abc import Callable
from pathlib import Path

import machine
import pytest
from machine import SetUpError

from tests.cluster.local import __main__ as command_line
from tests.cluster.local import binaries

StandIn = Callable[[str, str], Path]


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binaries, "CACHE", tmp_path / "cache")
    monkeypatch.setattr(machine, "LOG", tmp_path / "setup.log")


@pytest.fixture
def recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Replace the build by a script that creates a folder and records the call."""
    script = tmp_path / "build.sh"
    script.write_text(f'#!/bin/sh\nmkdir "$1" && echo built >> {tmp_path}/built\n')
    script.chmod(0o755)
    monkeypatch.setattr(binaries, "BUILD", script)
    return script


def test_a_second_run_builds_nothing(recipe: Path, tmp_path: Path) -> None:
    assert binaries.kubernetes() == binaries.kubernetes()
    assert (tmp_path / "built").read_text() == "built\n"


def test_a_changed_recipe_builds_again_and_removes_the_old_result(recipe: Path) -> None:
    old = binaries.kubernetes()
    recipe.write_text(recipe.read_text() + "# changed\n")
    new = binaries.kubernetes()
    assert new != old
    assert new.is_dir()
    assert not old.exists()


def test_a_failed_build_leaves_nothing_in_the_cache(recipe: Path) -> None:
    recipe.write_text('#!/bin/sh\necho "no such source"; exit 1\n')
    with pytest.raises(SetUpError, match="no such source"):
        binaries.kubernetes()
    assert list(binaries.CACHE.glob("kubernetes-*")) == []


@pytest.mark.parametrize(("version", "good"), [("v3.8.0+g1", True), ("v4.3.1", True), ("v3.7.9", False)])
def test_a_helm_on_path_is_used_if_it_is_new_enough(
    version: str, *, good: bool, programs: Path, stand_in: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in("helm", f"echo {version}")
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    monkeypatch.setattr(binaries, "_fetch_helm", Path.mkdir)
    assert (binaries.helm() is None) is good


def test_without_root_the_error_lists_the_alternatives(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("KUBECONFIG", raising=False)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert command_line.main("prepare") == 1
    error = capsys.readouterr().err
    for way in ("sudo make test-cluster", "make test-cluster KUBECONFIG=", "make test CLUSTER=off"):
        assert way in error


def test_with_a_kubeconfig_nothing_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", "/somewhere")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert command_line.main("prepare") == 0
