"""XML files out of the tar that a test container hands over; everything in it is hostile."""

import tarfile
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import BinaryIO

CHUNK = 2**20
ARCHIVE_LIMIT = 128 * 2**20
"""Bytes of the archive that are taken at most."""
FILE_LIMIT = 16 * 2**20
TOTAL_LIMIT = 64 * 2**20
COUNT_LIMIT = 1_000
MEMBER_LIMIT = 50_000
NAME_LIMIT = 255


def xml_files(archive: BinaryIO) -> dict[str, bytes]:
    """Return the regular `*.xml` files by path relative to the folder that was asked for.

    Links, devices, unsafe names and what is over a limit are left out; a broken or cut archive gives what
    could be read of it.
    """
    found: dict[str, bytes] = {}
    left = TOTAL_LIMIT
    for name, content in _candidates(archive):
        if len(content) > left or len(found) >= COUNT_LIMIT:
            break
        left -= len(content)
        found[name] = content
    return found


def _candidates(archive: BinaryIO) -> Iterator[tuple[str, bytes]]:
    try:
        # Not as a stream ("r|"): that reads its way through the terabytes that a sparse file claims.
        with tarfile.open(fileobj=archive, mode="r:") as tar:
            for _, member in zip(range(MEMBER_LIMIT), tar, strict=False):
                name = _relative(member)
                content = tar.extractfile(member) if name else None
                if name and content is not None:
                    yield name, content.read()
    except (tarfile.TarError, EOFError, ValueError, OverflowError):
        return


def _relative(member: tarfile.TarInfo) -> str:
    """Return the safe relative name of a file that is wanted, else nothing."""
    path = PurePosixPath(member.name)
    if not member.isreg() or member.size > FILE_LIMIT or path.suffix.lower() != ".xml":
        return ""
    if path.is_absolute() or ".." in path.parts:
        return ""
    name = str(PurePosixPath(*path.parts[1:])) if len(path.parts) > 1 else str(path)
    return name if len(name) <= NAME_LIMIT and name.isprintable() else ""
