"""Finds the commands: every module of the `commands` package has one value named `command`."""

import pkgutil
from importlib import import_module

import commands
from bot.core.language.command import AnyCommand, Command


class VocabularyError(Exception):
    """Commands conflict, or a module has none; the message names them."""


def find_commands(package: str = commands.__name__) -> tuple[AnyCommand, ...]:
    """Return the commands of a package, in the order of lists.

    Raises VocabularyError for a module without a command, and for a name that two commands have.
    """
    folder = import_module(package)
    modules = sorted(found.name for found in pkgutil.iter_modules(folder.__path__))
    found = [_command(f"{package}.{name}") for name in modules]
    _check_names(found)
    return tuple(sorted(found, key=lambda command: (command.order, command.name)))


def _command(module: str) -> AnyCommand:
    command = getattr(import_module(module), "command", None)
    if not isinstance(command, Command):
        raise VocabularyError(f"{module} has no Command named `command`")
    return command


def _check_names(found: list[AnyCommand]) -> None:
    owners: dict[str, str] = {}
    for command in found:
        for name in command.names:
            owner = owners.setdefault(name.casefold(), command.name)
            if owner != command.name:
                raise VocabularyError(f"/{name} is claimed by /{owner} and by /{command.name}")
