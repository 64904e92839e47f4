"""On which line of a TOML file a key stands, which `tomllib` does not tell."""

import re
from collections.abc import Iterator

_TABLE = re.compile(r"^\s*\[\s*([^\[\]]+?)\s*\]\s*(?:#.*)?$")
_KEY = re.compile(r"^\s*([A-Za-z0-9_.\-\"' ]+?)\s*=")


def line_of(text: str, *path: str) -> int:
    """Return the line, from 1, of a key, else of the nearest thing around it that has one."""
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
    return tuple(part.strip().strip("\"'") for part in dotted.split("."))
