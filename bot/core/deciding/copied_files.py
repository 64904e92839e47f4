"""Adds to a Dockerfile that files of the commit are copied into the image at last."""

import json
from collections.abc import Iterable, Mapping

from bot.core.deciding.dockerfile import read as stages
from bot.core.deciding.dockerfile_lines import Reading, read


def existing(files: Mapping[str, str], context: str, present: Iterable[str]) -> dict[str, str]:
    """Return the files to copy that a commit has; what it lacks is an empty folder to a container.

    >>> existing({"/app": ".", "/data": "data", "/conf": "conf"}, "web", ["web/conf/a", "data/b"])
    {'/app': '.', '/conf': 'conf'}
    """
    folder = "" if context == "." else f"{context.rstrip('/')}/"
    inside = [path.removeprefix(folder) for path in present if path.startswith(folder)]
    return {
        target: source
        for target, source in files.items()
        if source == "." or any(path == source or path.startswith(f"{source}/") for path in inside)
    }


def with_files(text: str, target: str | None, files: Mapping[str, str]) -> str:
    """Return a Dockerfile whose stage `target`, the last one for None, ends with copying these files."""
    starts = [each.line for each in read(text, Reading()) if each.keyword == "FROM"]
    chosen = stages(text).position(target)
    after = starts[chosen + 1 :] if chosen is not None else []
    lines = text.rstrip("\n").split("\n")
    end = after[0] - 1 if after else len(lines)
    copies = [f"COPY {json.dumps([source, into], ensure_ascii=False)}" for into, source in files.items()]
    return "\n".join((*lines[:end], *copies, *lines[end:], ""))
