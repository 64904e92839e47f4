"""The `tree` parameter of Jenkins' API: `builds[number,url]{0,10}` picks keys, items and ranges.

https://www.jenkins.io/doc/book/using/remote-access-api/ tells what it means.
"""

import re
from dataclasses import dataclass, field
from typing import Any

_WORD = re.compile(r"[\w$*]+|[\[\],]|\{(\d*),?(\d*)\}")


class TreeError(ValueError):
    """A tree that cannot be read."""


@dataclass(slots=True)
class Node:
    """What is wanted of one value; nothing named means all of it that is shown by default."""

    children: dict[str, "Node"] = field(default_factory=dict)
    first: int = 0
    last: int | None = None

    def pick(self, value: Any) -> Any:
        """Return the wanted part of a value; `_class` is always told."""
        if isinstance(value, list):
            return [self.pick(item) for item in value[self.first : self.last]]
        if not isinstance(value, dict) or not self.children:
            return value
        wanted = value if "*" in self.children else self.children
        return {
            key: self.children.get(key, Node()).pick(inner)
            for key, inner in value.items()
            if key == "_class" or key in wanted
        }


def parse(text: str) -> Node:
    """Read a tree. Raises TreeError."""
    reader = _Reader()
    position = 0
    while position < len(text):
        found = _WORD.match(text, position)
        if found is None:
            raise TreeError(f"unexpected {text[position]!r} at {position}")
        reader.take(found)
        position = found.end()
    if len(reader.open) != 1:
        raise TreeError("brackets do not match")
    return reader.open[0]


class _Reader:
    """Builds the nodes word by word."""

    def __init__(self) -> None:
        self.open = [Node()]
        self._last = self.open[0]

    def take(self, found: re.Match[str]) -> None:
        """Take the next word."""
        match found[0][0]:
            case "[":
                self.open.append(self._last)
            case "]":
                if len(self.open) == 1:
                    raise TreeError("brackets do not match")
                self._last = self.open.pop()
            case "{":
                self._last.first = int(found[1] or 0)
                self._last.last = int(found[2]) if found[2] else None
            case ",":
                pass
            case _:
                self._last = self.open[-1].children.setdefault(found[0], Node())
