"""Ways to write to the disk that a count of what folders show does not see; runs inside a container.

`python3 -c SOURCE NAME BYTES` does one of them, says so, and keeps it.
"""

import ctypes
import os
import platform
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path

LIBC = ctypes.CDLL(None, use_errno=True)
THREAD = 0x100 | 0x800 | 0x10000
"""CLONE_VM, CLONE_SIGHAND and CLONE_THREAD of clone(2)."""
SHARED_FILES = 0x400
EXIT = {"x86_64": 60}.get(platform.machine(), 93)
STACK = ctypes.create_string_buffer(1 << 20)


def deleted(size: int, path: str = "/big") -> int:
    """Write to a file without a name."""
    file = os.open(path, os.O_RDWR | os.O_CREAT)
    Path(path).unlink()
    os.posix_fallocate(file, 0, size)
    return file


def deleted_in_a_volume(size: int) -> None:
    """Write to a file without a name, outside of the root file system."""
    deleted(size, "/data/big")


def never_named(size: int) -> None:
    """Write to a file that never had a name."""
    os.posix_fallocate(os.open("/data", os.O_RDWR | os.O_TMPFILE), 0, size)


def only_mapped(size: int) -> None:
    """Map a file without a name, and close it."""
    file = deleted(size)
    LIBC.mmap.restype = ctypes.c_void_p
    LIBC.mmap.argtypes = (ctypes.c_void_p, *[ctypes.c_size_t] * 5)
    assert LIBC.mmap(None, 4096, 1, 1, file, 0) != ctypes.c_void_p(-1).value
    os.close(file)


def only_open_in_a_thread(size: int) -> None:
    """Leave it to a thread that has descriptors of its own."""
    file = deleted(size)
    _thread_that_sleeps(0)
    os.close(file)


def open_after_the_first_thread(size: int) -> None:
    """End the thread by which the process is known, but not the process."""
    deleted(size)
    _thread_that_sleeps(SHARED_FILES)
    LIBC.syscall(EXIT, 0)


def mapped_after_the_first_thread(size: int) -> None:
    """Do the same with a file that is only mapped."""
    only_mapped(size)
    _thread_that_sleeps(SHARED_FILES)
    LIBC.syscall(EXIT, 0)


def _thread_that_sleeps(flags: int) -> None:
    top = ctypes.c_void_p(ctypes.addressof(STACK) + len(STACK) - 64)
    assert LIBC.clone(LIBC.sleep, top, THREAD | flags, ctypes.c_void_p(100_000)) > 0


def reserved(size: int) -> None:
    """Reserve blocks beyond the end of an empty file."""
    file = os.open("/empty", os.O_RDWR | os.O_CREAT)
    assert LIBC.fallocate(file, 1, ctypes.c_long(0), ctypes.c_long(size)) == 0
    os.close(file)


def written_over_a_mount(size: int) -> None:
    """Write to a file that the engine mounts into each container."""
    os.posix_fallocate(os.open("/etc/hosts", os.O_RDWR), 0, size)


def folders(size: int) -> None:
    """Make empty folders."""
    for number in range(size // 4096):
        Path(f"/folders/{number // 1000}/{number}").mkdir(parents=True)


def deleted_folders(size: int) -> None:
    """Leave folders without a name, each as large as it was with its files, and one as the current folder."""
    for number in range(3):
        names = [f"/data/{number}/{name:0230}" for name in range(size // 1400)]
        Path(f"/data/{number}").mkdir()
        Path(f"/data/{number}/0").touch()
        os.chdir(f"/data/{number}")
        if number:
            os.open(f"/data/{number}", os.O_RDONLY)
        for name in names:
            os.link("0", name)
        for name in ["0", *names]:
            Path(name).unlink()
        Path(f"/data/{number}").rmdir()
        if not number and not os.fork():
            time.sleep(100_000)


def empty_files(size: int) -> None:
    """Take inodes without a byte in them."""
    for number in range(size // 4096):
        os.close(os.open(f"/data/{number}", os.O_CREAT))


def too_deep(size: int) -> None:
    """Write where no path is long enough to lead."""
    for _ in range(20):
        Path("d" * 255).mkdir()
        os.chdir("d" * 255)
    os.posix_fallocate(os.open("big", os.O_RDWR | os.O_CREAT), 0, size)


def moved_on(size: int) -> None:
    """Pass it on to a process that closes what it does not need."""
    one, other = socket.socketpair()
    if os.fork():
        file = deleted(size)
        socket.send_fds(one, [b"-"], [file])
        os.close(file)
    else:
        assert socket.recv_fds(other, 1, 1)[1]
        time.sleep(100_000)


def nothing(size: int) -> None:
    """Do what takes memory or only looks large, as honest programs do."""
    for file in (os.memfd_create("big"), deleted(1, "/tmp/big"), deleted(1, "/dev/shm/big")):
        os.posix_fallocate(file, 0, min(size, 32 << 20))
    os.truncate(os.open("/sparse", os.O_RDWR | os.O_CREAT), 1 << 40)
    os.close(os.open("/data/file", os.O_CREAT))
    for number in range(100):
        os.link("/data/file", f"/data/{number}")


TRICKS: dict[str, Callable[[int], object]] = {
    found.__name__: found
    for found in (
        *(deleted, deleted_in_a_volume, never_named, only_mapped, only_open_in_a_thread),
        *(open_after_the_first_thread, mapped_after_the_first_thread, moved_on),
        *(reserved, written_over_a_mount, folders, deleted_folders, empty_files, too_deep),
    )
}

if __name__ == "__main__":
    {**TRICKS, "nothing": nothing}[sys.argv[1]](int(sys.argv[2]))
    sys.stdout.write("done\n")
    sys.stdout.flush()
    time.sleep(100_000)
