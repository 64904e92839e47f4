"""Whether the disks have room for new runs, and which containers are stopped because they fill them."""

from collections.abc import Iterable, Iterator, Sequence

from bot.model.disk import FreeSpace, Written

SHARE = 10
"""A disk is never called full while a tenth of it is free, however small it is; and while a disk is full,
containers that have written less than a tenth of what they may are not stopped."""


def usable(space: FreeSpace) -> int:
    """Return the bytes that can still be written; where inodes are scarcer, as many as they allow."""
    if not space.inodes:
        return space.free
    return min(space.free, space.total * space.free_inodes // space.inodes)


def missing(space: FreeSpace, least: int) -> int:
    """Return how many bytes a file system lacks to have `least` free, or a tenth of it if that is less."""
    return max(0, min(least, space.total // SHARE) - usable(space))


def fullest(found: Iterable[FreeSpace], least: int) -> FreeSpace | None:
    """Return the file system that lacks the most space; None if none lacks any."""
    lacking = [space for space in found if missing(space, least)]
    return max(lacking, key=lambda space: missing(space, least), default=None)


def to_stop(written: Sequence[Written], most: int, lacking: int) -> Iterator[Written]:
    """Yield the containers to stop: those that have written more than `most` bytes.

    While the disk lacks space, also the largest parts of environments, until they make up for it. Suites end
    by themselves.
    """
    for one in sorted(written, key=lambda each: -each.size):
        if one.size > most or (lacking > 0 and not one.tests and one.size >= most // SHARE):
            lacking -= one.size
            yield one
