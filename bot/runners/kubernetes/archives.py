"""Reads a repository's manifests or chart from a tar archive; every entry is untrusted."""

import gzip
import io
import tarfile
import zlib
from pathlib import Path, PurePosixPath

from bot.model.errors import TellUser
from bot.model.reason import Reason
from bot.runners.kubernetes.pure.chart_schema import foreign_reference

ENDINGS = (".yaml", ".yml", ".json", ".j2")
LARGEST = 512 << 10
"""Bytes of all templates together."""
LARGEST_CHART = 16 << 20
LARGEST_SCHEMA = 1 << 20
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
        raise _invalid(folder, f"no {', '.join(ENDINGS)} files")
    return found


def unpack(archive: Path, folder: str, target: Path) -> None:
    """Extract a chart's regular files into a folder. Raises TellUser(MANIFEST_INVALID)."""
    with tarfile.open(archive) as tar:
        for member in _regular(tar, folder, LARGEST_CHART, ()):
            tar.extract(member, target, filter="data")


def check_chart(chart: Path, path: str) -> None:
    """Unpack a chart's packed subcharts, and check that no schema makes Helm load anything else.

    Helm then reads exactly the files that were checked. Raises TellUser(MANIFEST_INVALID | SCHEMA_REFUSED).
    """
    _unpack_subcharts(chart, path)
    for file in sorted(filter(Path.is_file, chart.rglob("values.schema.json"))):
        name = f"{path}/{file.relative_to(chart)}"
        if file.stat().st_size > LARGEST_SCHEMA:
            raise _invalid(name, f"more than {LARGEST_SCHEMA >> 10} KiB")
        try:
            reference = foreign_reference(_text(file.read_bytes(), name))
        except ValueError as error:
            raise _invalid(name, str(error)) from error
        if reference is not None:
            raise TellUser(Reason.SCHEMA_REFUSED, {"path": name, "reference": reference})


def _unpack_subcharts(chart: Path, path: str) -> None:
    """Replace the archives in `charts/` by folders, also those inside of archives."""
    left = LARGEST_CHART
    while packed := next(chart.rglob("charts/*.tgz"), None):
        name = f"{path}/{packed.relative_to(chart)}"
        content = _decompressed(packed, name, left)
        left -= max(len(content), LARGEST_CHART >> 6)
        packed.unlink()
        try:
            with tarfile.open(fileobj=io.BytesIO(content)) as tar:
                for member in _regular(tar, name, LARGEST_CHART, ()):
                    # The first part is the name of the chart's own folder.
                    _, _, member.name = member.name.replace("\\", "/").partition("/")
                    if member.name and ".." not in PurePosixPath(member.name).parts:
                        tar.extract(member, packed.with_name(f"{packed.stem}-unpacked"), filter="data")
        except (tarfile.TarError, OSError) as error:
            raise _invalid(name, "not a packed chart") from error


def _decompressed(packed: Path, name: str, limit: int) -> bytes:
    try:
        with gzip.open(packed) as stream:
            content = stream.read(limit + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise _invalid(name, "not a packed chart") from error
    if len(content) > limit:
        raise _invalid(name, f"the packed subcharts have more than {LARGEST_CHART >> 10} KiB")
    return content


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
        raise _invalid(folder, message)
    return found


def _text(content: bytes, path: str) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise _invalid(path, "not UTF-8") from error


def _invalid(path: str, message: str) -> TellUser:
    return TellUser(Reason.MANIFEST_INVALID, {"path": path, "message": message})
