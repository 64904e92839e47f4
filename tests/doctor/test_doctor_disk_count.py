"""Whether the doctor says what of the containers' files is not counted."""

import os
from pathlib import Path

import pytest

from bot.doctor import disk_count
from bot.doctor.findings import State


def test_all_is_counted_by_root_on_the_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "volumes").mkdir()
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(disk_count, "FIRST_NAMESPACE", Path("/proc/self/ns/pid").stat().st_ino)
    assert disk_count.measured(tmp_path, local=True).state is State.FINE
    assert disk_count.measured(tmp_path, local=False).state is State.NOTE
    assert disk_count.measured(tmp_path / "elsewhere", local=True).state is State.NOTE
    assert disk_count.measured(tmp_path, local=True, proc=tmp_path).state is State.NOTE
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    found = disk_count.measured(tmp_path, local=True)
    assert found.state is State.NOTE
    assert found.advice
    assert "as root" in found.advice.en
