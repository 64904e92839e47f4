"""Where the submodules of a hostile commit are fetched from. Pure.

The text of an address only selects a repository of the configured Gitee; it is never given to git.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from bot.gitee.paths import is_name
from bot.model.forge import RepoPath

MOST = 50
"""Most submodules of a commit, nested ones included."""
DEEPEST = 4
"""Most levels of submodules in submodules."""
EXAMINED = 1_000
"""Most submodules of one commit that are looked at, and most that are named as missing."""
LONGEST_PATH = 4_096
"""Characters of a path, with the paths of the submodules around it."""
DEEPEST_FOLDER = 50
"""Most folders above a submodule in its commit."""
_NAMES = 2
_KEY = re.compile(r"submodule\.(.+)\.(path|url)", re.DOTALL)
_SSH = re.compile(r"git@([^:/]+):(?!/)(.+)")


@dataclass(frozen=True, slots=True)
class Gitlink:
    """A place in a tree that names a commit of another repository."""

    path: bytes
    sha: str

    @property
    def name(self) -> str:
        """Its path to show."""
        return self.path.decode("utf-8", "replace")

    def fits(self, prefix: str) -> bool:
        """Return whether its path below this prefix is short enough to be used."""
        return len(prefix) + len(self.path) <= LONGEST_PATH and self.path.count(b"/") <= DEEPEST_FOLDER


def gitlinks(listing: bytes) -> Iterator[Gitlink]:
    """Yield those in a listing of `git ls-tree -r -z`, whose last entry may be incomplete."""
    for entry in listing.split(b"\0")[:-1]:
        facts, _, path = entry.partition(b"\t")
        if facts.startswith(b"160000 commit "):
            yield Gitlink(path, facts.split()[2].decode())


def addresses(config: bytes) -> Mapping[bytes, str]:
    """Return the addresses by path, from what `git config -z --list` finds in `.gitmodules`."""
    found: dict[str, dict[str, str]] = {}
    for entry in config.decode("utf-8", "surrogateescape").split("\0"):
        key, _, value = entry.partition("\n")
        if matched := _KEY.fullmatch(key):
            found.setdefault(matched[1], {})[matched[2]] = value
    return {
        one["path"].rstrip("/").encode("utf-8", "surrogateescape"): one["url"]
        for one in found.values()
        if one.keys() == {"path", "url"}
    }


def locate(address: str, parent: RepoPath, origin: SplitResult) -> RepoPath | None:
    """Return the repository of the Gitee at `origin` that an address in `parent` means; None if it is none.

    Relative addresses begin at the parent's, as in git. `git@` addresses of the same host mean the same
    repository, which is fetched by HTTP all the same. Addresses with a password are none.
    """
    if not address.isascii() or not address.isprintable() or set(address) & set(" \\%?#"):
        return None
    if address.startswith(("./", "../")):
        return _repository(_relative(address, parent))
    if ssh := _SSH.fullmatch(address):
        return _repository(ssh[2]) if ssh[1].lower() == origin.hostname else None
    try:
        parts = urlsplit(address)
        return _repository(parts.path.removeprefix("/")) if _is_there(parts, origin) else None
    except ValueError:
        return None


def _relative(address: str, parent: RepoPath) -> str:
    base, rest = [parent.owner, f"{parent.name}.git"], address.split("/")
    while rest and rest[0] in {".", ".."}:
        if rest.pop(0) == "..":
            if not base:
                return ""  # above the root there is nothing
            base.pop()
    return "/".join([*base, *rest])


def _is_there(parts: SplitResult, origin: SplitResult) -> bool:
    if parts.scheme == "ssh":
        return parts.username == "git" and parts.password is None and parts.hostname == origin.hostname
    return parts.scheme in {"http", "https"} and parts.netloc.lower() == origin.netloc.lower()


def _repository(path: str) -> RepoPath | None:
    names = path.removesuffix("/").removesuffix(".git").split("/")
    return RepoPath(*names) if len(names) == _NAMES and all(map(is_name, names)) else None
