"""Checks which names of Gitee may be used in a URL, a file path or a git command."""

import re
from collections.abc import Mapping
from typing import Any

from bot.model.forge import RepoPath

_NAME = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_\-]|\.(?!\.)){0,190}")
_SHA = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")


def is_name(text: object) -> bool:
    """Return whether this can be a login, a namespace or a repository's path."""
    return isinstance(text, str) and _NAME.fullmatch(text) is not None and not text.endswith((".", ".git"))


def is_sha(text: object) -> bool:
    """Return whether this is a full commit id in lower case."""
    return isinstance(text, str) and _SHA.fullmatch(text) is not None


def is_inside(path: str) -> bool:
    """Return whether a path leads to something inside a repository."""
    parts = path.split("/")
    return all(part not in {"", ".", ".."} for part in parts) and path.isprintable()


def repo_path(repository: object) -> RepoPath | None:
    """Read a repository's path from an object of any Gitee version; None if it has none.

    Only path fields are used: `name`, `name_with_namespace` and labels are display names.
    """
    if not isinstance(repository, Mapping):
        return None
    for owner, name in _candidates(repository):
        if is_name(owner) and is_name(name):
            return RepoPath(owner, name)
    return None


def _candidates(repository: Mapping[str, Any]) -> list[tuple[Any, Any]]:
    """Return possible pairs of owner and name, best first; `namespace` is an object only in the API."""
    namespace = repository.get("namespace")
    if isinstance(namespace, Mapping):
        namespace = namespace.get("path")
    full = repository.get("path_with_namespace")
    owner, _, name = full.partition("/") if isinstance(full, str) else ("", "", "")
    return [(owner, name), (namespace, repository.get("path"))]
