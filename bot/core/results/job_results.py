"""Reads results that a job reports in archived files: hostile text, since the job runs code under test.

docs/jenkins.md describes the contract: `chatops.env` with `NAME=value` lines, or `image.txt` with
one reference.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from bot.core.results.unreadable import UnreadableFileError

ENV_FILE, IMAGE_FILE = "chatops.env", "image.txt"
LONGEST_URL = 500

_LINE = re.compile(r"(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*)")
# https://github.com/distribution/reference/blob/main/regexp.go
_REFERENCE = re.compile(
    r"([a-zA-Z0-9][a-zA-Z0-9./_-]*(?::[0-9]+/[a-z0-9./_-]+)?):([A-Za-z0-9_][A-Za-z0-9_.-]{0,127})"
)
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_URL = re.compile(r"https?://[A-Za-z0-9.\-\[\]:]+(?:/[!-~]*)?")


@dataclass(frozen=True, slots=True)
class ReportedResult:
    """What a job reported; empty where it reported nothing."""

    image: str = ""
    """`registry/repository:tag`."""
    digest: str = ""
    size: int = 0
    url: str = ""


def read(files: Mapping[str, bytes]) -> ReportedResult:
    """Read all result files; `chatops.env` overrides `image.txt`. Raises UnreadableFileError."""
    values: dict[str, str] = {}
    paths: dict[str, str] = {}
    for path in sorted(files, key=lambda path: (path.endswith(ENV_FILE), path)):
        for name, value in _lines(path, files[path]):
            values[name], paths[name] = value, path
    return _checked(values, paths)


def _lines(path: str, content: bytes) -> Iterator[tuple[str, str]]:
    text = content.decode("utf-8-sig", "replace")
    rows = [row.strip() for row in text.splitlines()]
    kept = [row for row in rows if row and not row.startswith("#")]
    if path.rpartition("/")[2] == IMAGE_FILE:
        yield from (("IMAGE", row) for row in kept[:1])
        return
    for row in kept:
        if found := _LINE.fullmatch(row):
            yield found[1], _unquoted(found[2].strip())


def _unquoted(value: str) -> str:
    quoted = len(value) > 1 and value[0] in "\"'" and value.endswith(value[0])
    return value[1:-1] if quoted else value


def _checked(values: Mapping[str, str], paths: Mapping[str, str]) -> ReportedResult:
    image, _, digest = values.get("IMAGE", "").partition("@")
    digest = values.get("IMAGE_DIGEST", "") or digest
    found = ReportedResult(image, digest, url=values.get("SERVICE_URL", ""))
    if image and not _REFERENCE.fullmatch(image):
        raise UnreadableFileError(paths["IMAGE"], "IMAGE should be registry/repository:tag")
    if image and not _DIGEST.fullmatch(digest):
        path = paths.get("IMAGE_DIGEST", paths["IMAGE"])
        raise UnreadableFileError(path, "IMAGE_DIGEST should be sha256: and 64 hexadecimal digits")
    if found.url and (len(found.url) > LONGEST_URL or not _URL.fullmatch(found.url)):
        raise UnreadableFileError(paths["SERVICE_URL"], "SERVICE_URL should be an http or https address")
    return ReportedResult(image, digest, _size(values.get("IMAGE_SIZE", "")), found.url)


def _size(text: str) -> int:
    return int(text) if re.fullmatch(r"[0-9]{1,15}", text, re.ASCII) else 0
