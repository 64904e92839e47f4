"""Finds the line of a key in a TOML file, which `tomllib` does not report."""

import re
from collections.abc import Iterator

_TABLE = re.compile(r"^\s*\[\s*([^\[\]]+?)\s*\]\s*(?:#.*)?$")
_PART = re.compile(r"""\s*(?:"([^"]*)"|'([^']*)'|([^."']+))""")
_KEY = re.compile(r"""^\s*((?:"[^"]*"|'[^']*'|[A-Za-z0-9_.\- ])+?)\s*=""")


def line_of(text: str, *path: str) -> int:
    """Return the line of a key, counted from 1, or of the nearest section around it."""
    found = dict(reversed(list(_places(text))))
    while path and path not in found:
        path = path[:-1]
    return found.get(path, 1)


def _places(text: str) -> Iterator[tuple[tuple[str, ...], int]]:
    table: tuple[str, ...] = ()
    for number, line in enumerate(text.splitlines(), start=1):
        if header := _TABLE.match(line):
            table = _parts(header[1])
            yield table, number
        elif key := _KEY.match(line):
            full = (*table, *_parts(key[1]))
            yield from ((full[:length], number) for length in range(len(table) + 1, len(full) + 1))


def _parts(dotted: str) -> tuple[str, ...]:
    return tuple((quoted or literal or bare).strip() for quoted, literal, bare in _PART.findall(dotted))
