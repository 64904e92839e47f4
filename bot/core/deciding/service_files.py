"""Which files of a commit are copied into a service, and how much of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from bot.model.errors import TellUser
from bot.model.forge import Tree
from bot.model.pipeline import RunnerName
from bot.model.reason import Reason

MOST = 100
"""Files of a service."""
LARGEST: Mapping[RunnerName, int] = {RunnerName.DOCKER: 16 << 20, RunnerName.KUBERNETES: 700 << 10}
"""Bytes of all files of a service. A ConfigMap holds 1 MiB, of which they take more than they have."""
LARGEST_OF_ALL = 16 << 20
"""Bytes of all files of all services of a deployment, which the bot has in memory together."""
_NO_TEXT = "\ufffd"
"""Stands in a path for bytes that are not UTF-8, so that the file cannot be read by it."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """What a service gets."""

    files: Mapping[str, str] = field(default_factory=dict)
    """Paths in the commit, by their paths in the container."""
    missing: tuple[str, ...] = ()
    """Paths of `.chatops.yml` at which the commit has no file."""
    submodules: tuple[str, ...] = ()
    """Submodules that would have to be copied too."""


@dataclass(frozen=True, slots=True)
class Room:
    """How many bytes of files still fit, of how many, and of which services."""

    names: str
    most: int
    left: int


def chosen(name: str, wanted: Mapping[str, str], tree: Tree) -> Chosen:
    """Return the files of a service that asks for these: paths in the repository by those in the container.

    Raises TellUser(FILE_REFUSED | FILES_TOO_MANY).

    >>> chosen("db", {"/init": "db/init", "/conf": "db.conf"}, Tree(("db/init/1.sql", "db/x")))
    Chosen(files={'/init/1.sql': 'db/init/1.sql'}, missing=('db.conf',), submodules=())
    """
    files, missing, submodules = dict[str, str](), list[str](), list[str]()
    for target, written in wanted.items():
        source = str(PurePosixPath(written))
        found = {_placed(path, source, target): path for path in tree.files if _covers(source, path)}
        links = (path for path in tree.links if _covers(source, path))
        refused = (*links, *(path for path in found.values() if not _fits(path)))
        if refused:
            raise TellUser(Reason.FILE_REFUSED, {"name": name, "path": refused[0]})
        if not found:
            missing.append(written)
        files |= found
        submodules += [path for path in tree.submodules if _covers(source, path)]
    if len(files) > MOST:
        raise TellUser(Reason.FILES_TOO_MANY, {"name": name, "limit": str(MOST)})
    return Chosen(files, tuple(missing), tuple(submodules))


def room(name: str, runner: RunnerName, others: Mapping[str, int]) -> Room:
    """Return how much a service may have beside others, of which the bytes are given."""
    own = Room(name, LARGEST[runner], LARGEST[runner])
    together = Room(", ".join((*others, name)), LARGEST_OF_ALL, LARGEST_OF_ALL - sum(others.values()))
    return min(own, together, key=lambda one: one.left)


def too_large(room: Room, path: str) -> TellUser:
    """Return the error for a file that no longer fits."""
    most = room.most
    limit = f"{most >> 20} MiB" if most >= 1 << 20 else f"{most >> 10} KiB"
    return TellUser(Reason.FILES_TOO_LARGE, {"name": room.names, "path": path, "limit": limit})


def _covers(source: str, path: str) -> bool:
    return source in {".", path} or path.startswith(f"{source}/")


def _placed(path: str, source: str, target: str) -> str:
    """Return where a file goes that is at `source` or below it."""
    inside = path if source == "." else path.removeprefix(source).lstrip("/")
    return f"{target}/{inside}" if inside else target


def _fits(path: str) -> bool:
    """Return whether containers take a path: git allows any bytes, and a hostile commit even `..`."""
    parts = path.split("/")
    plain = path.isprintable() and not {":", _NO_TEXT}.intersection(path)
    return plain and not {"", ".", ".."}.intersection(parts)
