"""Which files processes have open, read from this process."""

import os
import threading
from pathlib import Path

import pytest

from bot.runners.docker import counting, open_files

ID = "ab" * 32


@pytest.mark.parametrize(
    "text",
    [
        f"9:pids:/docker/{ID}\n0::/docker/{ID}\n",
        f"0::/system.slice/docker-{ID}.scope\n",
        f"0::/../{ID}\n",
        f"0::/docker/{ID}/nested\n",
    ],
    ids=["cgroupfs", "systemd", "seen from another container", "below it"],
)
def test_a_process_belongs_to_the_container_in_its_cgroup(text: str, tmp_path: Path) -> None:
    for name, content in {"7": text, "8": "0::/init.scope\n", "self": text}.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "cgroup").write_text(content)
    assert open_files.processes({ID, "cd" * 32}, tmp_path) == {ID: [7]}
    assert open_files.processes({"cd" * 32}, tmp_path) == {}


def test_a_deleted_file_counts_once_however_often_it_is_open(tmp_path: Path) -> None:
    own = [os.getpid()]
    devices = {tmp_path.stat().st_dev}
    before = counting.size(counting.deleted(open_files.opened(own), devices))
    ended = threading.Event()
    thread = threading.Thread(target=ended.wait)
    thread.start()
    with (tmp_path / "file").open("wb") as file, (tmp_path / "file").open("rb"):
        file.write(b"x" * 100_000)
        file.flush()
        assert counting.size(counting.deleted(open_files.opened(own), devices)) == before, "it has a name"
        (tmp_path / "file").unlink()
        after = counting.size(counting.deleted(open_files.opened(own * 2), devices))
    ended.set()
    thread.join()
    assert 100_000 <= after - before < 110_000


def test_threads_that_share_their_descriptors_are_read_once() -> None:
    ended = threading.Event()
    threads = [threading.Thread(target=ended.wait) for _ in range(20)]
    for thread in threads:
        thread.start()
    found = list(open_files.opened([os.getpid()]))
    ended.set()
    for thread in threads:
        thread.join()
    mapped = len(Path("/proc/self/maps").read_text().splitlines())
    opened = len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - only names
    assert len(found) < mapped + 20 + opened * 10


def test_a_file_that_is_renamed_or_deleted_in_between_counts_once(tmp_path: Path) -> None:
    with (tmp_path / "file").open("wb") as file:
        file.write(b"x" * (2 << 20))
        file.flush()
        named = os.fstat(file.fileno())
        (tmp_path / "file").unlink()
        gone = os.fstat(file.fileno())
    shown = os.stat_result((*gone[:2], 1 << 40, *gone[3:]), {"st_blocks": gone.st_blocks})
    assert counting.size([named, named, gone, shown], {1 << 40: named.st_dev}) == counting.size([named])
    assert counting.size([named, shown]) == 2 * counting.size([named])
