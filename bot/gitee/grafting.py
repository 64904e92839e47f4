"""Puts other content at some paths of a tree in a cache; only the folders above them are read."""

from collections.abc import Mapping

from bot.gitee.cache import Cache
from bot.model.errors import TellUser
from bot.model.reason import Reason

LARGEST_FOLDER = 32 << 20
"""Bytes of the list of one folder's entries: about 300,000 files."""


async def grafted(cache: Cache, tree: str, found: Mapping[bytes, bytes]) -> str:
    """Return a tree in which these paths have other entries, such as `040000 tree <id>`.

    Raises TellUser(SOURCE_TOO_LARGE), DamagedCacheError.
    """
    entries = await cache.entries(tree, LARGEST_FOLDER)
    if entries is None:
        raise TellUser(Reason.SOURCE_TOO_LARGE, {"limit": f"{LARGEST_FOLDER >> 20} MiB"})
    below: dict[bytes, dict[bytes, bytes]] = {}
    for path, content in found.items():
        name, _, rest = path.partition(b"/")
        below.setdefault(name, {})[rest] = content
    return await cache.make_tree([await _replaced(cache, entry, below) for entry in entries])


async def _replaced(cache: Cache, entry: bytes, below: Mapping[bytes, Mapping[bytes, bytes]]) -> bytes:
    facts, _, name = entry.partition(b"\t")
    inside = below.get(name)
    if inside is None:
        return entry
    if b"" in inside:
        return inside[b""] + b"\t" + name
    return b"040000 tree " + (await grafted(cache, facts.split()[2].decode(), inside)).encode() + b"\t" + name
