"""Reads reports from the tar of a test container, whose content is hostile."""

import tarfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import BinaryIO

from bot.core.results.report_files import SUFFIXES

CHUNK = 2**20
ARCHIVE_LIMIT = 128 * 2**20
"""Most bytes that are read of the archive."""
FILE_LIMIT = 16 * 2**20
TOTAL_LIMIT = 64 * 2**20
COUNT_LIMIT = 1_000
PAGE_SUFFIX = ".html"
PAGES_LIMIT = 16 * 2**20
"""Most bytes of HTML in all. HTML has its own limits so that it never displaces results."""
PAGES_COUNT = 20
MEMBER_LIMIT = 50_000
NAME_LIMIT = 255


def report_files(archive: BinaryIO) -> dict[str, bytes]:
    """Return the regular `*.xml`, `*.trx` and `*.html` files by their path in the archived folder.

    Links, devices, unsafe names and files beyond a limit are skipped. Of a broken or truncated archive, the
    part that can be read is returned.
    """
    xml, pages = _Kept(COUNT_LIMIT, TOTAL_LIMIT), _Kept(PAGES_COUNT, PAGES_LIMIT)
    for name, content in _candidates(archive):
        if name.lower().endswith(PAGE_SUFFIX):
            pages.take(name, content)
        elif not xml.take(name, content):
            break
    return {**xml.files, **pages.files}


@dataclass(slots=True)
class _Kept:
    """Files of one kind, and how much more of it is allowed."""

    count: int
    size: int
    files: dict[str, bytes] = field(default_factory=dict)

    def take(self, name: str, content: bytes) -> bool:
        """Keep a file if the limits allow it; return whether they do."""
        if len(content) > self.size or len(self.files) >= self.count:
            return False
        self.size -= len(content)
        self.files[name] = content
        return True


def _candidates(archive: BinaryIO) -> Iterator[tuple[str, bytes]]:
    try:
        # Not as a stream ("r|"): that would read through the terabytes that a sparse file can claim.
        with tarfile.open(fileobj=archive, mode="r:") as tar:
            for _, member in zip(range(MEMBER_LIMIT), tar, strict=False):
                name = _relative(member)
                content = tar.extractfile(member) if name else None
                if name and content is not None:
                    yield name, content.read()
    except (tarfile.TarError, EOFError, ValueError, OverflowError):
        return


def _relative(member: tarfile.TarInfo) -> str:
    """Return the relative name of a report file, or nothing for any other member and for unsafe names."""
    path = PurePosixPath(member.name)
    if not member.isreg() or member.size > FILE_LIMIT or path.suffix.lower() not in {*SUFFIXES, PAGE_SUFFIX}:
        return ""
    if path.is_absolute() or ".." in path.parts:
        return ""
    name = str(PurePosixPath(*path.parts[1:])) if len(path.parts) > 1 else str(path)
    return name if len(name) <= NAME_LIMIT and name.isprintable() else ""
