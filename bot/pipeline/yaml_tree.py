"""Reads YAML into text, lists and mappings with line and column of every node, within limits.

Scalars remain text as written, because only the key decides their type: `on` is not a boolean, `0755` not
an octal number, and `8:30` not a number of seconds.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, NoReturn

import yaml

from bot.model.text import Text
from bot.pipeline import yaml_messages as messages

MAX_NODES = 5_000
MAX_DEPTH = 20

Path = tuple[str | int, ...]
Tree = dict[str, "Tree"] | list["Tree"] | str | None

_STRING = {None, "!", "tag:yaml.org,2002:str"}
_COLLECTION = {None, "!"}
_SURROGATE = re.compile("[\ud800-\udfff]")
_NULL = {"", "~", "null", "Null", "NULL"}
_LINE_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")


@dataclass(frozen=True, slots=True)
class Mark:
    """A position in the text; both numbers start at 1."""

    line: int
    column: int


class YamlError(Exception):
    """The text is not valid YAML, or uses a feature that is not supported."""

    def __init__(self, mark: Mark, message: Text) -> None:
        self.mark = mark
        self.message = message
        super().__init__(f"line {mark.line}: {message.en}")


@dataclass(slots=True)
class Document:
    """A tree, the positions of its values and keys, and its repeated keys."""

    root: Tree = None
    values: dict[Path, Mark] = field(default_factory=dict)
    keys: dict[Path, Mark] = field(default_factory=dict)
    repeated: list[tuple[Path, Mark, Text]] = field(default_factory=list)

    def at(self, path: Path) -> Mark:
        """Return the position of a value, or of the innermost value that contains the path."""
        return next(
            (self.values[path[:end]] for end in range(len(path), -1, -1) if path[:end] in self.values),
            Mark(1, 1),
        )

    def at_key(self, path: Path) -> Mark:
        """Return the position of a key, or for an item of a list, of its value."""
        return self.keys.get(path) or self.at(path)

    def named(self, path: Path) -> Path:
        """Return what people know a path by."""
        return path


def section(tree: Tree, name: str) -> dict[str, Tree]:
    """Return the keys below a key; none if it is missing or has a value instead."""
    found = tree.get(name) if isinstance(tree, dict) else None
    return found if isinstance(found, dict) else {}


def parse(text: str) -> Document:
    """Return the only YAML document of a text. Raises YamlError at the first problem."""
    builder = _TreeBuilder(yaml.parse(text, _Loader))
    try:
        return builder.document()
    except yaml.MarkedYAMLError as error:
        raise YamlError(_mark(error.problem_mark), messages.syntax(error.problem or "")) from error
    except yaml.reader.ReaderError as error:
        raise YamlError(mark_after(text[: error.position]), messages.NOT_PRINTABLE) from error


def lines_of(text: str) -> list[str]:
    """Return the lines of a text as YAML counts them: it knows more line breaks than one.

    https://yaml.org/spec/1.1/#id871856
    """
    return _LINE_BREAK.split(text)


def mark_after(before: str) -> Mark:
    """Return the position after this text."""
    lines = lines_of(before)
    return Mark(len(lines), len(lines[-1]) + 1)


class _Loader(yaml.SafeLoader):
    """PyYAML's reader, without what hostile text makes slow or break."""

    def save_possible_simple_key(self) -> None:
        """Remember that the next token may begin a key; in nested brackets this takes quadratic time."""
        if self.flow_level <= MAX_DEPTH:
            super().save_possible_simple_key()

    def scan_flow_scalar(self, style: str) -> yaml.ScalarToken:
        """Read a quoted text. Raises YamlError for the number of a character that Unicode does not have."""
        try:
            return super().scan_flow_scalar(style)
        except (ValueError, OverflowError) as error:
            raise YamlError(_mark(self.get_mark()), messages.NOT_PRINTABLE) from error


class _TreeBuilder:
    """Builds the tree from parser events.

    PyYAML's composer has no limits, forgets where aliases are, and rejects anchors that are defined again.
    """

    def __init__(self, events: Iterator[yaml.Event]) -> None:
        self._events = events
        self._document = Document()
        self._nodes = 0
        self._anchors: dict[str, tuple[Tree, int]] = {}

    def document(self) -> Document:
        """Return the document after reading the whole stream."""
        started = False
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                if started:
                    _reject(event, messages.ONE_DOCUMENT)
                started = True
            elif isinstance(event, yaml.NodeEvent):
                self._document.root = self._node(event, ())
        return self._document

    def _node(self, event: Any, path: Path) -> Tree:
        self._document.values[path] = _mark(event.start_mark)
        self._count(event, 1)
        if len(path) > MAX_DEPTH:
            _reject(event, messages.DEEP)
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event, len(path))
        before = self._nodes
        tree = _scalar(event) if isinstance(event, yaml.ScalarEvent) else self._collection(event, path)
        if event.anchor is not None:
            self._anchors[event.anchor] = (tree, self._nodes - before)
        return tree

    def _collection(self, event: Any, path: Path) -> Tree:
        if event.tag not in _COLLECTION:
            _reject(event, messages.TAG)
        return self._mapping(path) if isinstance(event, yaml.MappingStartEvent) else self._list(path)

    def _alias(self, event: yaml.AliasEvent, depth: int) -> Tree:
        """Return the anchored tree. Each alias counts all its nodes, so that aliases cannot multiply."""
        if event.anchor not in self._anchors:
            _reject(event, messages.UNKNOWN_ALIAS)
        tree, nodes = self._anchors[event.anchor]
        self._count(event, nodes)
        if depth + max(len(path) for path, _ in walk(tree)) > MAX_DEPTH:
            _reject(event, messages.DEEP)
        return tree

    def _list(self, path: Path) -> Tree:
        found: list[Tree] = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            found.append(self._node(event, (*path, len(found))))
        return found

    def _mapping(self, path: Path) -> Tree:
        found: dict[str, Tree] = {}
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            if not isinstance(event, yaml.ScalarEvent):
                _reject(event, messages.KEY)
            key, mark = _text(event), _mark(event.start_mark)
            inner = (*path, key)
            if key in found:
                self._document.repeated.append(
                    (inner, mark, messages.repeated(self._document.keys[inner].line))
                )
            self._document.keys[inner] = mark
            found[key] = self._node(next(self._events), inner)
        return found

    def _count(self, event: yaml.Event, nodes: int) -> None:
        self._nodes += nodes
        if self._nodes > MAX_NODES:
            _reject(event, messages.MANY)


def walk(tree: Tree, path: Path = ()) -> Iterator[tuple[Path, Tree]]:
    """Yield every node with its path, parents first."""
    yield path, tree
    children: Iterable[tuple[str | int, Tree]] = (
        tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    )
    for key, child in children:
        yield from walk(child, (*path, key))


def _scalar(event: yaml.ScalarEvent) -> str | None:
    if event.tag not in _STRING:
        _reject(event, messages.TAG)
    plain = event.style is None and event.tag is None
    value = _text(event)
    return None if plain and value in _NULL else value


def _text(event: yaml.ScalarEvent) -> str:
    """Return the text of a scalar. An escape can stand for half a character, which UTF-8 cannot hold."""
    value: str = event.value
    if _SURROGATE.search(value):
        _reject(event, messages.NOT_PRINTABLE)
    return value


def _mark(mark: Any) -> Mark:
    return Mark(1, 1) if mark is None else Mark(mark.line + 1, mark.column + 1)


def _reject(event: yaml.Event, message: Text) -> NoReturn:
    raise YamlError(_mark(event.start_mark), message)
