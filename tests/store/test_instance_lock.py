"""The lock of a data folder, and the name that its holder leaves for the next one."""

import os
from pathlib import Path
from unittest.mock import Mock

import pytest

from bot.store.instance_lock import InstanceLock


def test_the_next_holder_reads_the_name_of_the_last_one(tmp_path: Path) -> None:
    first = InstanceLock(tmp_path / "data")
    assert first.name == ""
    first.remember("host-longer-name")
    first.remember("host-2")
    assert first.name == "host-2"
    first.close()
    next_one = InstanceLock(tmp_path / "data")
    assert next_one.name == "host-2"
    next_one.close()


def test_another_name_needs_no_space_on_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lock = InstanceLock(tmp_path)
    lock.remember("host-1")
    size = (tmp_path / "replica").stat().st_size

    monkeypatch.setattr(os, "ftruncate", Mock(side_effect=AssertionError("gives the space back")))
    lock.remember("host-with-a-longer-name")

    assert (tmp_path / "replica").stat().st_size == size
    assert lock.name == "host-with-a-longer-name"
    lock.close()


def test_a_second_lock_on_one_folder_leaves_the_name_of_the_holder(tmp_path: Path) -> None:
    first = InstanceLock(tmp_path)
    first.remember("host-1")
    second = InstanceLock(tmp_path)
    assert second.name == ""
    second.remember("host-2")
    assert first.name == "host-1"
    first.close()
    second.close()
