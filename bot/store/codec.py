"""Values to JSON columns and back, by the types of their dataclasses."""

from typing import Any, TypeVar

from pydantic import TypeAdapter

from bot.model.delivery import Delivery
from bot.model.environment import Environment
from bot.model.observed import ObservedState, RepositoryCursor
from bot.model.run import Image, Run, StopRequest

T = TypeVar("T")

_ADAPTERS: dict[type, TypeAdapter[Any]] = {
    kind: TypeAdapter(kind)
    for kind in (RepositoryCursor, Delivery, Environment, Image, Run, ObservedState, StopRequest)
}


def pack(value: object) -> Any:
    """Return plain JSON data for one of the stored kinds."""
    return _ADAPTERS[type(value)].dump_python(value, mode="json")


def unpack(kind: type[T], data: Any) -> T:
    """Return the value that `pack` made this data from, defaults filled in for fields added since."""
    value: T = _ADAPTERS[kind].validate_python(data)
    return value
