"""Converts values to JSON columns and back, by the types of their dataclasses."""

from typing import Any, TypeVar

from pydantic import TypeAdapter

from bot.model.audit import AuditRecord
from bot.model.delivery import Delivery
from bot.model.environment import Environment
from bot.model.observed import ObservedState, RepositoryCursor
from bot.model.run import Image, Run, StopRequest

T = TypeVar("T")

_ADAPTERS: dict[type, TypeAdapter[Any]] = {
    kind: TypeAdapter(kind)
    for kind in (AuditRecord, RepositoryCursor, Delivery, Environment, Image, Run, ObservedState, StopRequest)
}


def pack(value: object) -> Any:
    """Return a value of one of the stored types as plain JSON data."""
    return _ADAPTERS[type(value)].dump_python(value, mode="json")


def unpack(kind: type[T], data: Any) -> T:
    """Return the value that `pack` was given. Fields added since then have their defaults."""
    value: T = _ADAPTERS[kind].validate_python(data)
    return value
