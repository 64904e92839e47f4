"""Finds what a repository without the configured Dockerfile could build, and the configuration for it."""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import PurePosixPath

from bot.core.deciding.dockerfile_lines import instructions

SHOWN = 5
"""Most files that are named."""

_DOCKERFILE = re.compile(r"(?:dockerfile|containerfile)(?:[._-].+)?|.+\.dockerfile", re.IGNORECASE)
_NO_DOCKERFILE = re.compile(
    r".*\.(?:dockerignore|md|txt|j2|tm?pl|bak|py|go|js|ts|rb|rs|java|sh|json|ya?ml)", re.IGNORECASE
)
_COMPOSE = re.compile(r"(?:docker-)?compose(?:[._-].+)?\.ya?ml", re.IGNORECASE)
_BESIDE = frozenset(
    {
        "node_modules",
        "vendor",
        "third_party",
        ".devcontainer",
        "test",
        "tests",
        "testdata",
        "examples",
        "docs",
    }
)
"""Folders whose Dockerfiles are rarely the one of the service; they come last."""
_FLAG = re.compile(r"--[a-z-]+(?:=\S*)?\s+")
_PLAIN = re.compile(r"[A-Za-z_][\w./-]*", re.ASCII)
_WORDS = frozenset({"true", "false", "yes", "no", "on", "off", "null", "y", "n"})
_LONGEST = 200
"""Most characters of a path that is named."""
_SOURCES = 50
"""Most sources of COPY that are looked for."""


@dataclass(frozen=True, slots=True)
class BuildPlace:
    """A Dockerfile and the folder to build it in; `dockerfile` is relative to that folder."""

    context: str
    dockerfile: str

    @property
    def setting(self) -> str:
        """The line of `.chatops.yml` that builds it."""
        keys = {} if self.context == "." else {"context": self.context}
        keys |= {} if self.dockerfile == "Dockerfile" else {"dockerfile": self.dockerfile}
        return f"build: {{{', '.join(f'{key}: {_scalar(value)}' for key, value in keys.items())}}}"


def dockerfiles(files: Iterable[str]) -> tuple[str, ...]:
    """Return the Dockerfiles among these files, the most likely one first."""
    found = (file for file in files if _fits(file, _DOCKERFILE) and not _fits(file, _NO_DOCKERFILE))
    return tuple(sorted(found, key=_rank)[:SHOWN])


def compose_files(files: Iterable[str]) -> tuple[str, ...]:
    """Return the Compose files among these files, the most likely one first."""
    return tuple(sorted((file for file in files if _fits(file, _COMPOSE)), key=_rank)[:SHOWN])


def compose_setting(file: str) -> str:
    """Return the line of `.chatops.yml` that deploys the services of a Compose file."""
    return f"deploy: {{compose: {_scalar(file)}}}"


def place(dockerfile: str, text: str, files: Sequence[str]) -> BuildPlace:
    """Return where to build a Dockerfile: in the nearest folder that has what it copies, else in its own."""
    sources = _sources(text)
    folder = PurePosixPath(dockerfile).parent
    nearest = (
        one for one in (folder, *folder.parents) if all(_has(one, source, files) for source in sources)
    )
    context = next(nearest, folder)
    return BuildPlace(str(context), str(PurePosixPath(dockerfile).relative_to(context)))


def _fits(file: str, pattern: re.Pattern[str]) -> bool:
    return len(file) <= _LONGEST and pattern.fullmatch(file.rpartition("/")[2]) is not None


def _rank(file: str) -> tuple[bool, int, bool, str]:
    *folders, name = file.split("/")
    return not _BESIDE.isdisjoint(folders), len(folders), name != "Dockerfile", file


def _sources(text: str) -> tuple[str, ...]:
    """Return what COPY and ADD take from the build context, as far as it is clear."""
    copies = (rest for keyword, rest in instructions(text) if keyword in {"COPY", "ADD"})
    found = (source for rest in copies for source in _words(rest)[:-1])
    clear = (one.strip("/").removeprefix("./") for one in found if not set("$<\\").intersection(one))
    return tuple(dict.fromkeys(one for one in clear if "://" not in one))[:_SOURCES]


def _words(rest: str) -> list[str]:
    """Return the sources and the target of a COPY; nothing if it copies from another stage or image."""
    arguments = rest.strip()
    while flag := _FLAG.match(arguments):
        if flag[0].startswith("--from="):
            return []
        arguments = arguments[flag.end() :]
    try:
        listed = json.loads(arguments) if arguments.startswith("[") else arguments.split()
    except (ValueError, RecursionError):
        return []
    return [word for word in listed if isinstance(word, str)]


def _has(context: PurePosixPath, source: str, files: Sequence[str]) -> bool:
    """Return whether a folder has a file or a folder of this name or pattern."""
    if source in {"", "."}:
        return True
    path = source if str(context) == "." else f"{context}/{source}"
    depth = path.count("/") + 1
    if set("*?[").isdisjoint(path):
        return any(file == path or file.startswith(f"{path}/") for file in files)
    return any(fnmatchcase(beginning, path) for beginning in _beginnings(files, depth))


def _beginnings(files: Iterable[str], depth: int) -> Iterator[str]:
    """Yield the first parts of paths, as many as a pattern has: its stars stay within a name."""
    for file in files:
        parts = file.split("/")
        if len(parts) >= depth:
            yield "/".join(parts[:depth])


def _scalar(value: str) -> str:
    """Write a text for YAML; quoted where it could be read as something else."""
    if _PLAIN.fullmatch(value) and value.lower() not in _WORDS:
        return value
    clear = (char if char.isprintable() and char not in '"\\' else f"\\U{ord(char):08X}" for char in value)
    return f'"{"".join(clear)}"'
