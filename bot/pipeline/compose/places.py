"""Paths in a Compose file, which are relative to its folder, as paths in the repository."""

import re

_ABSOLUTE = re.compile(r"[/~\\]|[A-Za-z]:|.*://|[^/]*@")
_PLAIN = re.compile(r"[^\\$*?\[\]\"'<\x00-\x1f\x7f:]{1,200}")
"""What is no pattern and no variable to a Dockerfile."""


def is_path(source: str) -> bool:
    """Return whether the source of a volume is a path rather than a name."""
    return source.startswith((".", "/", "~")) or "\\" in source or "/" in source or source[1:2] == ":"


def in_repository(folder: str, path: str) -> str | None:
    """Return a path in the repository, `.` for its root; None if it leads outside or cannot be used.

    >>> in_repository("deploy", "../web/"), in_repository(".", "..")
    ('web', None)
    """
    if _ABSOLUTE.match(path) or not _PLAIN.fullmatch(path):
        return None
    parts = list[str]()
    for part in (*folder.split("/"), *path.split("/")):
        if part == "..":
            if not parts:
                return None
            parts.pop()
        elif part not in {"", "."}:
            parts.append(part)
    return "/".join(parts) or "."


def below(path: str, folder: str) -> str | None:
    """Return a path of the repository relative to one of its folders; None if it is not in there."""
    if folder in {".", path}:
        return "." if folder == path else path
    return path.removeprefix(f"{folder}/") if path.startswith(f"{folder}/") else None
