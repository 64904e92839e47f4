"""Reads `OWNERS` and `OWNERS_ALIASES`, in the format of Kubernetes: whom a repository names as approvers."""

import re

from bot.pipeline.config_file import MAX_BYTES
from bot.pipeline.yaml_tree import Tree, YamlError, parse

FILE = "OWNERS"
ALIASES_FILE = "OWNERS_ALIASES"

_LOGIN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,190}")


def approvers(owners: bytes | None, aliases: bytes | None) -> tuple[str, ...]:
    """Return the logins under `approvers:`, with aliases replaced by their members, in the files' order.

    Empty if there is no file, or if one of them is too large, not UTF-8, not YAML, or of another shape:
    what is not understood names nobody. `reviewers:` and `filters:` do not count.
    """
    try:
        named = _logins(_value(owners, "approvers"))
        groups = _groups(_value(aliases, "aliases"))
    except (YamlError, ValueError):
        return ()
    members = (member for name in named for member in groups.get(name.lower(), (name,)))
    return tuple(dict.fromkeys(members))


def _value(content: bytes | None, key: str) -> Tree:
    """Return the value of a key of the file, None without the file or the key."""
    if content is None:
        return None
    if len(content) > MAX_BYTES:
        raise ValueError(f"more than {MAX_BYTES} bytes")
    document = parse(content.decode("utf-8-sig"))
    if document.root is None:
        return None
    if document.repeated or not isinstance(document.root, dict):
        raise ValueError("not a mapping, or with a repeated key")
    return document.root.get(key)


def _groups(tree: Tree) -> dict[str, tuple[str, ...]]:
    """Return the members of each alias, by its name in lower case."""
    if tree is None:
        return {}
    if not isinstance(tree, dict):
        raise ValueError("aliases are not a mapping")  # noqa: TRY004 - one error for every wrong file
    return {name.lower(): _logins(members) for name, members in tree.items()}


def _logins(tree: Tree) -> tuple[str, ...]:
    """Return the logins in a list; whatever else is in it, or in the place of a list, names nobody."""
    items = tree if isinstance(tree, list) else []
    return tuple(item for item in items if isinstance(item, str) and _LOGIN.fullmatch(item))
