"""Pointers to files in Git LFS, and what its server says of them. Pure.

https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md and docs/api/batch.md there
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import SplitResult, urlsplit

from bot.model.forge import Obstacle

LARGEST_POINTER = 1024
MOST_CANDIDATES = 20_000
"""Most small files of a commit whose attributes are asked for."""
MOST_ATTRIBUTES = 50
"""Most `.gitattributes` of a commit that are read."""
MOST = 1_000
"""Most files that are fetched."""
LONGEST_URL = 8_192
ATTRIBUTES = ".gitattributes"
_POINTER = re.compile(
    rb"version https://git-lfs\.github\.com/spec/v1\n(?:ext-[^\n]*\n)*"
    rb"oid sha256:([0-9a-f]{64})\nsize ([0-9]{1,18})\n"
)
_REGULAR = {b"100644", b"100755"}


@dataclass(frozen=True, slots=True, order=True)
class Content:
    """The content of a file by its SHA-256 and its size in bytes."""

    oid: str
    size: int


@dataclass(frozen=True, slots=True)
class Download:
    """Where the server offers a content, and the headers that it asks for."""

    url: str
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class SmallFile:
    """A file that may be a pointer."""

    path: bytes
    mode: bytes

    @property
    def name(self) -> str:
        """Its path to show, and to read it."""
        return self.path.decode("utf-8", "replace")


def attribute_files(listing: bytes) -> list[str]:
    """Return the `.gitattributes` in a listing of `git ls-tree -r -z`, at most `MOST_ATTRIBUTES`."""
    paths = (entry.partition(b"\t")[2] for entry in listing.split(b"\0")[:-1])
    found = (path for path in paths if path.rpartition(b"/")[2] == ATTRIBUTES.encode())
    return [path.decode("utf-8", "replace") for path, _ in zip(found, range(MOST_ATTRIBUTES), strict=False)]


def small_files(listing: bytes) -> Iterator[SmallFile]:
    """Yield the files in a listing of `git ls-tree -r -l -z` that are as small as a pointer."""
    for entry in listing.split(b"\0")[:-1]:
        facts, _, path = entry.partition(b"\t")
        mode, _, _, size = facts.split()
        if mode in _REGULAR and int(size) <= LARGEST_POINTER:
            yield SmallFile(path, mode)


def batches(files: Iterable[SmallFile], most: int) -> Iterator[list[SmallFile]]:
    """Yield the files in groups of which `git check-attr` says no more than `most` bytes."""
    group, size = list[SmallFile](), 0
    for file in files:
        needed = len(file.path) + len(b"\0filter\0unspecified\0")
        if group and size + needed > most:
            yield group
            group, size = [], 0
        group.append(file)
        size += needed
    if group:
        yield group


def tracked(answer: bytes) -> set[bytes]:
    """Return the paths that are in LFS by what `git check-attr -z filter` says."""
    parts = answer.split(b"\0")
    return {path for path, value in zip(parts[::3], parts[2::3], strict=False) if value == b"lfs"}


def pointer(content: bytes | None) -> Content | None:
    """Return what a pointer points to; None if a file is none."""
    found = _POINTER.fullmatch(content or b"")
    return Content(found[1].decode(), int(found[2])) if found else None


def request(contents: Sequence[Content]) -> dict[str, Any]:
    """Return the body of a request for downloads."""
    objects = [{"oid": one.oid, "size": one.size} for one in contents]
    return {"operation": "download", "transfers": ["basic"], "hash_algo": "sha256", "objects": objects}


def offered(
    answer: bytes, contents: Sequence[Content], origin: SplitResult
) -> dict[Content, Download | Obstacle]:
    """Return where the server offers contents, and why it does not offer others."""
    found = {one.oid: one for one in contents}
    places: dict[Content, Download | Obstacle] = dict.fromkeys(contents, Obstacle.NO_CONTENT)
    for one in _objects(answer):
        content = found.get(str(one.get("oid")))
        actions = one.get("actions")
        download = actions.get("download") if isinstance(actions, dict) else None
        if content is not None and isinstance(download, dict):
            places[content] = _place(download, origin)
    return places


def _objects(answer: bytes) -> Iterator[dict[str, Any]]:
    try:
        read = json.loads(answer)
    except (ValueError, RecursionError):
        return
    objects = read.get("objects") if isinstance(read, dict) else None
    yield from (one for one in (objects if isinstance(objects, list) else ()) if isinstance(one, dict))


def _place(download: Mapping[str, Any], origin: SplitResult) -> Download | Obstacle:
    url, given = str(download.get("href")), download.get("header")
    try:
        parts = urlsplit(url)
        same = (parts.scheme, parts.netloc.lower()) == (origin.scheme, origin.netloc.lower())
    except ValueError:
        same = False
    if not same or len(url) > LONGEST_URL or not _plain(url):
        return Obstacle.CONTENT_ELSEWHERE
    headers = given.items() if isinstance(given, dict) else ()
    return Download(url, {name: str(value) for name, value in headers if _plain(name) and _plain(str(value))})


def _plain(text: str) -> bool:
    return text.isascii() and text.isprintable()
