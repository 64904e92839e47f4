"""What `.chatops.yml` may hold, told from the model's own dataclasses: keys, kinds, defaults, sections."""

from collections.abc import Iterator, Mapping
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass
from functools import cache
from types import NoneType
from typing import Any, Literal, get_args, get_origin, get_type_hints

from bot.model.pipeline import Pipeline
from bot.pipeline.yaml_tree import Path, Tree

ANY_NAME = "NAME"
"""Stands in a key's path for a name that the file chooses."""


@dataclass(frozen=True, slots=True)
class PipelineKey:
    """One key of the file; `owner` is the dataclass that has it, `path` leads to it."""

    path: tuple[str, ...]
    kind: Any
    default: Any
    owner: type

    @property
    def section(self) -> bool:
        """Whether further keys follow below it."""
        return _is_section(self.kind)


def kind_at(path: Path) -> Any:
    """Return the type that belongs at a path, None for a path that is unknown."""
    kind: Any = Pipeline
    for part in path:
        kind = _child(kind, part)
    return kind


def names_at(path: Path) -> tuple[str, ...]:
    """Return the keys that are known in the mapping at a path; none where names are free."""
    kind = kind_at(path)
    return tuple(field.name for field in fields(kind)) if is_dataclass(kind) else ()


def fitted(tree: Tree, path: Path = ()) -> Any:
    """Bring a tree nearer to the model: an empty section is one without keys, and `1` may be a number."""
    kind = kind_at(path)
    if tree is None and _is_section(kind):
        return {}
    if isinstance(tree, dict):
        return {name: fitted(child, (*path, name)) for name, child in tree.items()}
    if isinstance(tree, list):
        return [fitted(child, (*path, index)) for index, child in enumerate(tree)]
    if get_origin(kind) is Literal:
        return next((value for value in get_args(kind) if str(value) == tree), tree)
    return tree


def entries(kind: Any = Pipeline, path: tuple[str, ...] = ()) -> Iterator[PipelineKey]:
    """Yield every key in the model's order, sections before what is in them."""
    for field in fields(kind):
        key = PipelineKey((*path, field.name), _hints(kind)[field.name], _default(field), kind)
        yield key
        inner = _optional(key.kind)
        below = key.path
        if get_origin(inner) is Mapping:
            inner, below = get_args(inner)[1], (*key.path, ANY_NAME)
        if is_dataclass(inner):
            yield from entries(inner, below)


def _child(kind: Any, part: str | int) -> Any:
    if isinstance(kind, type) and is_dataclass(kind):
        return _optional(_hints(kind).get(str(part)))
    if get_origin(kind) is Mapping:
        return _optional(get_args(kind)[1])
    return get_args(kind)[0] if get_origin(kind) is tuple else None


def _is_section(kind: Any) -> bool:
    return is_dataclass(kind) or get_origin(kind) is Mapping


@cache
def _hints(kind: Any) -> dict[str, Any]:
    return get_type_hints(kind)


def _optional(kind: Any) -> Any:
    """Return what stands beside None in a union."""
    inner = [each for each in get_args(kind) if each is not NoneType]
    return inner[0] if NoneType in get_args(kind) else kind


def _default(field: "Field[Any]") -> Any:
    return field.default if field.default_factory is MISSING else field.default_factory()
