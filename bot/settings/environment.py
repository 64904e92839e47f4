"""Reads settings from `CHATOPS_SECTION__KEY` variables, and converts them to the types of their keys."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from bot.settings.problems import Problem, unknown
from bot.settings.shape import Key, allowed, keys

PREFIX = "CHATOPS_"
SEPARATOR = "__"
_TRUE = frozenset({"true", "yes", "on", "1"})
_FALSE = frozenset({"false", "no", "off", "0"})

Values = dict[tuple[str, str], tuple[str, Any]]
"""Name of the variable and its value, by section and key."""


def from_environment(environ: Mapping[str, str]) -> tuple[Values, list[Problem]]:
    """Read the variables of the bot; those without a double underscore belong to other programs."""
    values: Values = {}
    problems: list[Problem] = []
    for variable in sorted(environ):
        if not is_setting(variable):
            continue
        section, _, name = variable.removeprefix(PREFIX).lower().partition(SEPARATOR)
        problem = _unknown(section, name)
        if problem:
            problems.append(Problem(variable, "", problem))
        elif section == "permissions":
            values[section, name.replace("_", "-")] = (variable, _one_or_list(environ[variable]))
        else:
            values[section, name] = (variable, _value(keys()[section].get(name), environ[variable]))
    return values, problems


def is_setting(variable: str) -> bool:
    """Return whether a variable is one of the bot's own settings."""
    return variable.startswith(PREFIX) and SEPARATOR in variable


def variable_of(section: str, name: str) -> str:
    """Return the name of the variable that sets a key."""
    return f"{PREFIX}{section}{SEPARATOR}{name}".upper().replace("-", "_")


def _unknown(section: str, name: str) -> str | None:
    if section not in keys():
        return unknown(section, keys(), "section")
    if section in {"secrets", "egress"}:
        return f"[{section}] is set in the file only"
    if section != "permissions" and name not in allowed(section):
        return unknown(name, allowed(section))
    return None


def _value(key: Key | None, text: str) -> Any:
    """Convert a string to the key's type; what cannot be converted stays a string and fails validation."""
    if key is None or key.kind is str:
        return text
    try:
        return _READERS[key.kind](text.strip())
    except ValueError:
        return text


def _boolean(text: str) -> bool | str:
    if text.lower() in _TRUE:
        return True
    return False if text.lower() in _FALSE else text


def _one_or_list(text: str) -> Any:
    try:
        words = _list(text.strip())
    except ValueError:
        return text
    return words[0] if isinstance(words, list) and len(words) == 1 else words


def _list(text: str) -> Any:
    """Parse a JSON list or a list that is separated by commas."""
    if text.startswith("["):
        return json.loads(text)
    return [part.strip() for part in text.split(",") if part.strip()]


_READERS: Mapping[type, Callable[[str], Any]] = {bool: _boolean, int: int, float: float, tuple: _list}
