"""The `tree` parameter of Jenkins' API: `builds[number,url]{0,10}` selects keys, items and ranges.

https://www.jenkins.io/doc/book/using/remote-access-api/ describes it.
"""

import re
from dataclasses import dataclass, field
from typing import Any

_TOKEN = re.compile(r"[\w$*]+|[\[\],]|\{(\d*),?(\d*)\}")


class TreeError(ValueError):
    """The parameter is malformed."""


@dataclass(slots=True)
class Node:
    """The selection from one value. Without children, all of it is selected."""

    children: dict[str, "Node"] = field(default_factory=dict)
    first: int = 0
    last: int | None = None

    def pick(self, value: Any) -> Any:
        """Return the selected part of a value; `_class` is always included."""
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
    """Parse the parameter. Raises TreeError."""
    parser = _Parser()
    position = 0
    while position < len(text):
        found = _TOKEN.match(text, position)
        if found is None:
            raise TreeError(f"unexpected {text[position]!r} at {position}")
        parser.take(found)
        position = found.end()
    if len(parser.open) != 1:
        raise TreeError("brackets do not match")
    return parser.open[0]


class _Parser:
    """Builds the nodes token by token."""

    def __init__(self) -> None:
        self.open = [Node()]
        self._last = self.open[0]

    def take(self, found: re.Match[str]) -> None:
        """Process the next token."""
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
