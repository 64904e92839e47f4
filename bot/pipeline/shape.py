"""The keys of `.chatops.yml` with their types and defaults, read from the dataclasses of the model."""

from collections.abc import Iterator, Mapping
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass
from functools import cache
from types import NoneType
from typing import Any, Literal, get_args, get_origin, get_type_hints

from bot.model.pipeline import Pipeline
from bot.pipeline.service_checks import SWITCHES
from bot.pipeline.yaml_tree import Path, Tree

ANY_NAME = "NAME"
"""In a key's path, stands for a name that the author of the file chooses."""
ANY_ITEM = "N"
"""In a key's path, stands for the place in a list."""


@dataclass(frozen=True, slots=True)
class PipelineKey:
    """A key of the file. `path` ends with its name; `owner` is the dataclass that has the field."""

    path: tuple[str, ...]
    kind: Any
    default: Any
    owner: type

    @property
    def section(self) -> bool:
        """Whether it contains further keys."""
        return _is_section(self.kind)


def kind_at(path: Path) -> Any:
    """Return the type of the value at a path; None for an unknown path."""
    kind: Any = Pipeline
    for part in path:
        kind = _child(kind, part)
    return kind


def keys_at(path: Path) -> tuple[str, ...]:
    """Return the keys allowed at a path; none if the author chooses the names."""
    kind = kind_at(path)
    return tuple(field.name for field in fields(kind)) if is_dataclass(kind) else ()


def normalized(tree: Tree, path: Path = ()) -> Any:
    """Return the tree with empty mappings for empty sections, and with literals such as `1` as their type."""
    kind = kind_at(path)
    if tree is None and _is_section(kind):
        return {}
    if isinstance(tree, dict):
        return {name: normalized(child, (*path, name)) for name, child in tree.items()}
    if isinstance(tree, list):
        return [normalized(child, (*path, index)) for index, child in enumerate(tree)]
    if kind == bool | str and isinstance(tree, str):
        return SWITCHES.get(tree, tree)
    if get_origin(kind) is Literal:
        return next((value for value in get_args(kind) if str(value) == tree), tree)
    return tree


def entries(kind: Any = Pipeline, path: tuple[str, ...] = ()) -> Iterator[PipelineKey]:
    """Yield all keys in the order of the model, each section before its keys."""
    for field in fields(kind):
        key = PipelineKey((*path, field.name), _hints(kind)[field.name], _default(field), kind)
        yield key
        inner = _optional(key.kind)
        below = key.path
        if get_origin(inner) is Mapping:
            inner, below = get_args(inner)[1], (*key.path, ANY_NAME)
        elif get_origin(inner) is tuple:
            inner, below = get_args(inner)[0], (*key.path, ANY_ITEM)
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
    """Return X for `X | None`."""
    inner = [each for each in get_args(kind) if each is not NoneType]
    return inner[0] if NoneType in get_args(kind) else kind


def _default(field: "Field[Any]") -> Any:
    return field.default if field.default_factory is MISSING else field.default_factory()
