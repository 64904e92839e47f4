"""Adds up what files take on the disk, from what the kernel says about them."""

import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet

BLOCK = 512
LEAST = 4096
"""Bytes that a file or folder counts for at least: an empty one takes an inode, and they are limited."""
LARGE = 1 << 20
"""Bytes from which a file with one name is remembered, to be counted once."""
MOST = 500_000
"""Files, folders, descriptors and mappings of one container that are looked at."""


class UncountableError(Exception):
    """There are more than MOST, or folders too deep for a path; `size` is what was counted of them."""

    def __init__(self, size: int) -> None:
        super().__init__(f"more than {size} bytes")
        self.size = size


class TooDeepError(Exception):
    """A folder's path is longer than the kernel allows."""


Found = os.stat_result | None
"""A file or folder; None for what was looked at in vain, which takes as long."""


def size(found: Iterable[Found], alias: Mapping[int, int] | None = None) -> int:
    """Return the bytes that these take on the disk, each file once. Raises UncountableError.

    A file is met twice if it has several names, or is renamed or deleted in between. `alias` has the devices
    on which the kernel shows files, and those on which they are.
    """
    alias = alias or {}
    total = 0
    seen: set[tuple[int, int]] = set()
    try:
        for number, one in enumerate(found):
            if number >= MOST:
                raise UncountableError(total)
            if one is not None and not _repeated(one, alias, seen):
                total += max(one.st_blocks * BLOCK, LEAST)
    except TooDeepError:
        raise UncountableError(total) from None
    return total


def deleted(found: Iterable[Found], devices: AbstractSet[int]) -> Iterator[Found]:
    """Yield what has no name any more on these devices. Files in tmpfs take memory, not disk.

    A folder keeps the size that it had with its files.
    """
    for one in found:
        wanted = one and one.st_nlink == 0 and one.st_dev in devices
        yield one if wanted else None


def _repeated(one: os.stat_result, alias: Mapping[int, int], seen: set[tuple[int, int]]) -> bool:
    small = one.st_nlink == 1 and one.st_blocks * BLOCK < LARGE
    if small or (one.st_nlink and stat.S_ISDIR(one.st_mode)):
        return False
    key = (alias.get(one.st_dev, one.st_dev), one.st_ino)
    if key in seen:
        return True
    seen.add(key)
    return False
