"""Lists the sections and keys of the settings, as the dataclasses define them."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from functools import cache
from types import MappingProxyType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

from bot.settings.model import Secret, Settings

FILE_SUFFIX = "_file"


@dataclass(frozen=True, slots=True)
class Key:
    """One setting. `kind` is its type without constraints: bool, int, float, tuple or str."""

    section: str
    name: str
    kind: type
    secret: bool


@cache
def keys() -> Mapping[str, Mapping[str, Key]]:
    """Return all keys by section and name; `permissions` has none, because its keys are names of commands."""
    hints = get_type_hints(Settings)
    return MappingProxyType(
        {
            section.name: MappingProxyType(_keys_of(section.name, hints[section.name]))
            for section in fields(Settings)
        }
    )


def allowed(section: str) -> list[str]:
    """Return the keys of a section, and for secrets also `<key>_file`."""
    known = keys()[section].values()
    return [key.name for key in known] + [key.name + FILE_SUFFIX for key in known if key.secret]


def _keys_of(section: str, type_: Any) -> dict[str, Key]:
    """Return the keys of a section, or of each section below it whose names the operator chooses."""
    if get_origin(type_) is Mapping:
        type_ = get_args(type_)[1]
    if not is_dataclass(type_):
        return {}
    hints = get_type_hints(type_)
    found = ((each.name, hints[each.name]) for each in fields(type_))
    return {name: Key(section, name, _kind(hint), _holds_secret(hint)) for name, hint in found}


def _kind(hint: Any) -> type:
    """Strip constraints and None from a type; treat any other type as a string."""
    origin = get_origin(hint)
    if origin in {Annotated, Union, UnionType}:
        return _kind(next(each for each in get_args(hint) if each is not type(None)))
    if origin is tuple or hint in {bool, int, float}:
        return origin or hint  # type: ignore[no-any-return]  # both are types here
    return str


def _holds_secret(hint: Any) -> bool:
    return hint is Secret or Secret in get_args(hint)
