"""Values of a chart: turns paths into a tree, and checks what a repository may set."""

import re
from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

_PART = re.compile(r"([^.\[\]]+)|\[([0-9])\]")
_WORDS: Mapping[str, Any] = {"true": True, "false": False, "null": None}
_TRAVERSAL = re.compile(r"/\.{1,2}(?:[/:]|$)|[%?#\\]")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,15})")


def tree(chosen: Mapping[str, str], facts: Mapping[str, str]) -> dict[str, Any]:
    """Return the tree of values. Facts override chosen values and remain strings.

    >>> tree({"web.replicas": "2", "hosts[0].name": "a"}, {"web.tag": "12"})
    {'web': {'replicas': 2, 'tag': '12'}, 'hosts': [{'name': 'a'}]}
    """
    found: dict[str, Any] = {}
    for path, text in chosen.items():
        _put(found, _parts(path), typed(text))
    for path, text in facts.items():
        _put(found, _parts(path), text)
    return found


def typed(text: str) -> Any:
    """Return a text as a typed value, as `helm --set` does.

    >>> typed("true"), typed("8080"), typed("0080"), typed("a")
    (True, 8080, '0080', 'a')
    """
    if text in _WORDS:
        return _WORDS[text]
    return int(text) if _NUMBER.fullmatch(text) else text


def refused(paths: Iterable[str], patterns: Sequence[str]) -> str | None:
    """Return the first value that may not be set: the last matching pattern decides, `!` forbids."""
    return next((path for path in paths if not matches(path, patterns)), None)


def allowed(reference: str, patterns: Sequence[str]) -> bool:
    """Return whether the operator allows a chart's address.

    Addresses that can leave their folder are never allowed: a server may resolve `/charts/../private` to
    `/private`.
    """
    return not _TRAVERSAL.search(reference) and matches(reference, patterns)


def matches(text: str, patterns: Sequence[str]) -> bool:
    """Return whether patterns allow a text: the last matching one decides, `!` forbids."""
    is_allowed = False
    for pattern in patterns:
        if fnmatchcase(text, pattern.removeprefix("!")):
            is_allowed = not pattern.startswith("!")
    return is_allowed


def _parts(path: str) -> list[str | int]:
    return [name or int(index) for name, index in _PART.findall(path)]


def _put(node: dict[str, Any], parts: Sequence[str | int], value: Any) -> None:
    """Set a value, replacing nodes of another type on its path."""
    if not parts:
        return
    first, rest = str(parts[0]), parts[1:]
    if not rest:
        node[first] = value
    elif isinstance(rest[0], int):
        items = node.get(first)
        items = items if isinstance(items, list) else []
        items += [None] * (rest[0] + 1 - len(items))
        node[first] = items
        items[rest[0]] = _within(items[rest[0]], rest[1:], value)
    else:
        node[first] = _within(node.get(first), rest, value)


def _within(found: Any, parts: Sequence[str | int], value: Any) -> Any:
    if not parts:
        return value
    inner = found if isinstance(found, dict) else {}
    _put(inner, parts, value)
    return inner
