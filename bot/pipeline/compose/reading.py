"""Reads the text of a Compose file into its types, or says what is wrong with it."""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from pydantic import TypeAdapter, ValidationError

from bot.model.text import Text
from bot.pipeline.compose import keys, messages
from bot.pipeline.compose.merging import merged
from bot.pipeline.compose.model import ComposeFile
from bot.pipeline.compose.variables import Interpolation, VariableError
from bot.pipeline.yaml_tree import Document, Path, Tree, section

MOST = 10
"""Places of wrong types that are reported."""
Problem = tuple[Path, Text, str]
"""A path in the file, what is wrong there, and what was probably meant."""


def read(
    document: Document, values: Mapping[str, str], chosen: str | None
) -> tuple[ComposeFile | None, list[Problem]]:
    """Return the contents of a document and its problems; None if nothing more can be said about it.

    The document is changed to what counts of it. Services with profiles are left out, as Compose does by
    default, unless one is `chosen`.
    """
    problems = [(path, message, "") for path, message in merged(document)]
    root = document.root if isinstance(document.root, dict) else {}
    tree = keys.cleaned(_without_profiles(root, chosen))
    problems += keys.check(tree)
    document.root = keys.used(tree)
    if not section(document.root, "services"):
        problems.append((("services",), messages.SERVICES, ""))
        return None, problems
    document.root = _replaced(document.root, (), Interpolation(values), problems)
    return _validated(document.root, problems), problems


def left_out(document: Document, chosen: str | None) -> frozenset[str]:
    """Return the names of services that only run with a profile."""
    services = section(document.root, "services")
    return frozenset(
        name
        for name, one in services.items()
        if name != chosen and isinstance(one, dict) and one.get("profiles")
    )


def _without_profiles(root: dict[str, Tree], chosen: str | None) -> Tree:
    services = section(root, "services")
    gone = left_out(Document(root), chosen)
    kept: Tree = {name: one for name, one in services.items() if name not in gone}
    return {**root, "services": kept} if services else root


def _replaced(tree: Tree, path: Path, interpolation: Interpolation, problems: list[Problem]) -> Tree:
    """Return the tree with its variables replaced."""
    if isinstance(tree, dict):
        return {name: _replaced(one, (*path, name), interpolation, problems) for name, one in tree.items()}
    if isinstance(tree, list):
        return [_replaced(one, (*path, index), interpolation, problems) for index, one in enumerate(tree)]
    if tree is None:
        return None
    try:
        return interpolation.replaced(tree)
    except VariableError as error:
        problems.append((path, error.message, ""))
        return tree


@cache
def _adapter() -> TypeAdapter[ComposeFile]:
    return TypeAdapter(ComposeFile)


def _validated(tree: Tree, problems: list[Problem]) -> ComposeFile | None:
    try:
        return _adapter().validate_python(tree)
    except ValidationError as error:
        places = dict.fromkeys(tuple(_steps(tree, one["loc"])) for one in error.errors(include_url=False))
        # Where a value has several types, each of them has an error: the innermost place says most.
        inner = [
            one for one in places if not any(one != other and other[: len(one)] == one for other in places)
        ]
        problems += [(one, messages.SHAPE, "") for one in inner[:MOST]]
    return None


def _steps(tree: Tree, loc: tuple[str | int, ...]) -> Iterator[str | int]:
    """Yield the part of an error's location that is in the tree; the rest names alternatives of a type."""
    inner: Any = tree
    for part in loc:
        inside = (isinstance(inner, dict) and part in inner) or (
            isinstance(inner, list) and isinstance(part, int) and part < len(inner)
        )
        if inside:
            inner = inner[part]
            yield part
