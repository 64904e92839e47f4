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
    root = Node()
    open_nodes, last = [root], root
    position = 0
    while position < len(text):
        found = _WORD.match(text, position)
        if found is None:
            raise TreeError(f"unexpected {text[position]!r} at {position}")
        word, position = found[0], found.end()
        if word == "[":
            open_nodes.append(last)
        elif word == "]":
            open_nodes.pop()
        elif word.startswith("{"):
            last.first, last.last = int(found[1] or 0), int(found[2]) if found[2] else None
        elif word != ",":
            last = open_nodes[-1].children.setdefault(word, Node())
    if len(open_nodes) != 1:
        raise TreeError("brackets do not match")
    return root
