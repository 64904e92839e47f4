"""What a module of the model defines is a value: it never changes, and takes no other attributes."""

from dataclasses import fields, is_dataclass
from importlib import import_module
from inspect import getmembers, isclass
from pkgutil import iter_modules

import pytest

import bot.model

MODULES = [module.name for module in iter_modules(bot.model.__path__, "bot.model.")]


@pytest.mark.parametrize("name", MODULES)
def test_every_dataclass_is_frozen_and_has_slots(name: str) -> None:
    for _, defined in getmembers(import_module(name), isclass):
        if is_dataclass(defined) and not issubclass(defined, BaseException) and defined.__module__ == name:
            assert defined.__dataclass_params__.frozen, defined  # type: ignore[attr-defined]  # of the decorator
            assert {field.name for field in fields(defined)} <= slots(defined), defined


def slots(kind: type) -> set[str]:
    return {name for each in kind.__mro__ for name in getattr(each, "__slots__", ())}
