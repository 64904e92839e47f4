"""Names what a build does not have, although its commit refers to it: submodules, and files in Git LFS."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from bot.core import paths
from bot.model.forge import Obstacle

SHOWN = 5
"""Most paths that are named."""
EXAMINED = 20
"""Most files that are read to find pointers."""
LARGEST_POINTER = 1024
_POINTER = b"version https://git-lfs.github.com/spec/"


def lfs_files(attributes: str, files: Sequence[str]) -> tuple[str, ...]:
    """Return the files that a `.gitattributes` in the root puts into Git LFS; at most `EXAMINED`."""
    patterns = tuple(_lfs_patterns(attributes))
    found = (file for file in files if paths.listed(patterns, file)) if patterns else ()
    return tuple(file for file, _ in zip(found, range(EXAMINED), strict=False))


def is_pointer(content: bytes | None) -> bool:
    """Return whether a file is only the pointer to its content in Git LFS."""
    return content is not None and content.startswith(_POINTER)


def facts(context: str, missing: Mapping[str, Obstacle]) -> dict[str, str]:
    """Return the paths in the build context with the same obstacle, the one to remove first."""
    found = {path: missing[path] for path in inside(context, missing)}
    for obstacle in Obstacle:
        if paths_ := [path for path, why in found.items() if why is obstacle]:
            return {"unfetched": ", ".join(paths_[:SHOWN]), "obstacle": obstacle}
    return {}


def inside(context: str, found: Iterable[str]) -> tuple[str, ...]:
    """Return the paths inside the build context."""
    folder = "" if context == "." else f"{context.rstrip('/').removeprefix('./')}/"
    return tuple(path for path in found if path.startswith(folder))


def _lfs_patterns(attributes: str) -> Iterator[str]:
    """Yield the patterns of LFS, and with `!` those that are taken out again."""
    for line in attributes.splitlines()[:500]:
        pattern, *values = line.split()[:20] or [""]
        if pattern.startswith(("#", "[", '"')):
            continue
        if "filter=lfs" in values:
            yield pattern
        elif any(value in {"-filter", "!filter"} or value.startswith("filter=") for value in values):
            yield f"!{pattern}"
