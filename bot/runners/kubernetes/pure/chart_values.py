"""What a chart is told: values by their paths become one tree; the operator says which may be set."""

import re
from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

_PART = re.compile(r"([^.\[\]]+)|\[([0-9])\]")
_WORDS: Mapping[str, Any] = {"true": True, "false": False, "null": None}
_DEVIOUS = re.compile(r"/\.{1,2}(?:[/:]|$)|[%?#\\]")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,15})")


def tree(chosen: Mapping[str, str], facts: Mapping[str, str]) -> dict[str, Any]:
    """Return the values as a chart reads them. Facts win over what was chosen, and stay texts.

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
    """Return what a text means as a value of a chart, as `helm --set` takes it.

    >>> typed("true"), typed("8080"), typed("0080"), typed("a")
    (True, 8080, '0080', 'a')
    """
    if text in _WORDS:
        return _WORDS[text]
    return int(text) if _NUMBER.fullmatch(text) else text


def refused(paths: Iterable[str], patterns: Sequence[str]) -> str | None:
    """Return the first value that may not be set: the last pattern that matches counts, `!` forbids."""
    return next((path for path in paths if not _allowed(path, patterns)), None)


def allowed(reference: str, patterns: Sequence[str]) -> bool:
    """Tell whether a chart from elsewhere is one of those that the operator allows.

    What leads out of a folder, or may, is none: a server can take `/charts/../private` for `/private`.
    """
    return not _DEVIOUS.search(reference) and _allowed(reference, patterns)


def _allowed(text: str, patterns: Sequence[str]) -> bool:
    fine = False
    for pattern in patterns:
        if fnmatchcase(text, pattern.removeprefix("!")):
            fine = not pattern.startswith("!")
    return fine


def _parts(path: str) -> list[str | int]:
    return [name or int(index) for name, index in _PART.findall(path)]


def _put(node: dict[str, Any], parts: Sequence[str | int], value: Any) -> None:
    """Set a value; what stands in its way and is of another kind gives way."""
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
