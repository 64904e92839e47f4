"""Permissions of files."""

import os
import stat
from pathlib import Path

import pytest

from bot.store.file_modes import FILE, FOLDER, restrict


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize(
    ("before", "after"), [(0o666, 0o640), (0o644, 0o640), (0o640, 0o640), (0o600, 0o600), (0o400, 0o400)]
)
def test_permissions_are_only_removed(tmp_path: Path, before: int, after: int) -> None:
    file = tmp_path / "file"
    file.touch()
    file.chmod(before)
    restrict(file, FILE)
    assert mode(file) == after


def test_a_folder_keeps_its_special_bits_and_a_shared_folder_everything(tmp_path: Path) -> None:
    own, shared = tmp_path / "own", tmp_path / "shared"
    for folder, before in ((own, 0o2775), (shared, 0o1777)):
        folder.mkdir()
        folder.chmod(before)
        restrict(folder, FOLDER)
    assert mode(own) == 0o2750
    assert mode(shared) == 0o1777


def test_a_missing_file_is_fine(tmp_path: Path) -> None:
    restrict(tmp_path / "missing", FILE)


def test_what_cannot_be_changed_is_logged_with_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(_self: Path, _mode: int) -> None:
        raise PermissionError(1, os.strerror(1))

    file = tmp_path / "file"
    file.touch()
    file.chmod(0o644)
    monkeypatch.setattr(Path, "chmod", refuse)
    restrict(file, FILE)
    assert f"run `chmod 640 {file}`" in caplog.text
