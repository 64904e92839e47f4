"""Settings from `CHATOPS_SECTION__KEY` variables: strings become what the key wants."""

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
"""By section and key: the variable's name and its value."""


def from_environment(environ: Mapping[str, str]) -> tuple[Values, list[Problem]]:
    """Read the variables that are ours; those without a double underscore are somebody else's."""
    values: Values = {}
    problems: list[Problem] = []
    for variable in sorted(environ):
        if not variable.startswith(PREFIX) or SEPARATOR not in variable:
            continue
        section, _, name = variable.removeprefix(PREFIX).lower().partition(SEPARATOR)
        problem = _unknown(section, name)
        if problem:
            problems.append(Problem(variable, "", problem))
        elif section == "permissions":
            values[section, name.replace("_", "-")] = (variable, environ[variable])
        else:
            values[section, name] = (variable, _value(keys()[section].get(name), environ[variable]))
    return values, problems


def variable_of(section: str, name: str) -> str:
    """Return the variable that sets a key."""
    return f"{PREFIX}{section}{SEPARATOR}{name}".upper().replace("-", "_")


def _unknown(section: str, name: str) -> str | None:
    if section not in keys():
        return unknown(section, keys(), "section")
    if section != "permissions" and name not in allowed(section):
        return unknown(name, allowed(section))
    return None


def _value(key: Key | None, text: str) -> Any:
    """Read a string as the key's kind; what cannot be read stays a string, which validation refuses."""
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


def _list(text: str) -> Any:
    """Read a JSON list, or what stands between commas."""
    if text.startswith("["):
        return json.loads(text)
    return [part.strip() for part in text.split(",") if part.strip()]


_READERS: Mapping[type, Callable[[str], Any]] = {bool: _boolean, int: int, float: float, tuple: _list}
