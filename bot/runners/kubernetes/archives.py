"""Reads a repository's manifests or chart from a tar archive; every entry is untrusted."""

import tarfile
from pathlib import Path, PurePosixPath

from bot.model.errors import TellUser
from bot.model.reason import Reason

ENDINGS = (".yaml", ".yml", ".json", ".j2")
LARGEST = 512 << 10
"""Bytes of all templates together."""
LARGEST_CHART = 16 << 20
MOST_FILES = 2_000


def templates(archive: Path, folder: str) -> dict[str, str]:
    """Return the texts of the manifest templates, by path. Raises TellUser(MANIFEST_INVALID)."""
    found: dict[str, str] = {}
    with tarfile.open(archive) as tar:
        for member in _regular(tar, folder, LARGEST, ENDINGS):
            content = tar.extractfile(member)
            if content is not None:
                found[member.name] = _text(content.read(), f"{folder}/{member.name}")
    if not found:
        raise TellUser(Reason.MANIFEST_INVALID, {"path": folder, "message": f"no {', '.join(ENDINGS)} files"})
    return found


def unpack(archive: Path, folder: str, target: Path) -> None:
    """Extract a chart's regular files into a folder. Raises TellUser(MANIFEST_INVALID)."""
    with tarfile.open(archive) as tar:
        for member in _regular(tar, folder, LARGEST_CHART, ()):
            tar.extract(member, target, filter="data")


def _regular(
    tar: tarfile.TarFile, folder: str, limit: int, endings: tuple[str, ...]
) -> list[tarfile.TarInfo]:
    """Return the matching regular files, no links or devices. Raises TellUser beyond the limits."""
    found = [
        member
        for member in tar
        if member.isreg()
        and ".." not in PurePosixPath(member.name).parts
        and member.name.endswith(endings or "")
    ]
    if len(found) > MOST_FILES or sum(member.size for member in found) > limit:
        message = f"more than {MOST_FILES} files or {limit >> 10} KiB"
        raise TellUser(Reason.MANIFEST_INVALID, {"path": folder, "message": message})
    return found


def _text(content: bytes, path: str) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise TellUser(Reason.MANIFEST_INVALID, {"path": path, "message": "not UTF-8"}) from error
