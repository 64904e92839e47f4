"""Loads Settings from `chatops.toml` and the environment, and reports all problems at once."""

import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from bot.core.admission.served import overlaps
from bot.model.text import counted
from bot.settings.environment import from_environment, is_setting
from bot.settings.model import Settings
from bot.settings.permissions import SECTION, PermissionReader
from bot.settings.problems import Problem, SettingsError, unknown
from bot.settings.shape import FILE_SUFFIX, allowed, keys
from bot.settings.toml_lines import line_of

__all__ = ["SettingsError", "load"]


@dataclass(slots=True)
class _Draft:
    """Values that are not validated yet, each with the place where it is set."""

    file: Path | None = None
    text: str = ""
    values: dict[str, Any] = field(default_factory=dict)
    variables: dict[tuple[str, ...], str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def source(self, *path: str) -> str:
        """Return where a key is set: a variable, or the nearest line of the file."""
        variable = self.variables.get(path[:2])
        if variable or self.file is None:
            return variable or "settings"
        return f"{self.file}:{line_of(self.text, *path)}"

    def report(self, message: str, *path: str) -> None:
        """Add a problem with a key."""
        known = self.variables.get(path[:2])
        self.problems.append(Problem(self.source(*path), "" if known else ".".join(path), message))


def load(path: Path | None, environ: Mapping[str, str]) -> Settings:
    """Load the file, if one is given, and the environment, which overrides it. Raises SettingsError."""
    draft = _Draft() if path is None else _from_file(path)
    values, problems = from_environment(environ)
    draft.problems += problems
    for (section, name), (variable, value) in values.items():
        _override(draft, section, name, value)
        draft.variables[section, name] = variable
    _read_secret_files(draft)
    settings = _validated(draft)
    if settings is not None:
        _check_secrets(draft, settings)
        _check_egress(draft, settings)
        _check_permissions(draft, settings)
    if settings is None or draft.problems:
        raise SettingsError(map(str, draft.problems))
    return settings


def _from_file(path: Path) -> _Draft:
    try:
        text = path.read_text(encoding="utf-8")
        return _Draft(path, text, tomllib.loads(text))
    except OSError as error:
        raise SettingsError([f"{path}: cannot be read: {error.strerror}"]) from error
    except UnicodeDecodeError as error:
        raise SettingsError([f"{path}: is not UTF-8"]) from error
    except tomllib.TOMLDecodeError as error:
        raise SettingsError([f"{path}: is not TOML: {error}"]) from error


def _override(draft: _Draft, section: str, name: str, value: Any) -> None:
    """Override a value of the file; a secret also overrides the path of one, and the reverse."""
    held = draft.values.setdefault(section, {})
    if not isinstance(held, dict):
        return
    twin = name.removesuffix(FILE_SUFFIX) if name.endswith(FILE_SUFFIX) else name + FILE_SUFFIX
    if (section, twin) not in draft.variables:
        held.pop(twin, None)
    held[name] = value


def _read_secret_files(draft: _Draft) -> None:
    secrets = (key for section in keys().values() for key in section.values() if key.secret)
    for key in secrets:
        held = draft.values.get(key.section)
        name = key.name + FILE_SUFFIX
        if not isinstance(held, dict) or name not in held:
            continue
        if key.name in held:
            draft.report(f"both {key.name} and {name} are set", key.section, name)
        path = held.pop(name)
        lines = _secret_lines(draft, (key.section, name), path)
        if lines:
            held[key.name] = lines if key.kind is tuple else lines[0]
            draft.variables[key.section, key.name] = draft.source(key.section, name)


def _secret_lines(draft: _Draft, where: tuple[str, str], path: object) -> list[str]:
    """Read one secret per line."""
    if not isinstance(path, str):
        draft.report("should be the path of a file", *where)
        return []
    try:
        lines = [line.strip() for line in Path(path).read_text(encoding="utf-8").splitlines() if line.strip()]
    except (OSError, ValueError) as error:
        # ValueError: not UTF-8, or not a valid path.
        draft.report(f"{path!r} cannot be read: {getattr(error, 'strerror', 'it is not UTF-8 text')}", *where)
        return []
    if not lines:
        draft.report(f"{path!r} is empty", *where)
    return lines


@cache
def _adapter() -> TypeAdapter[Settings]:
    return TypeAdapter(Settings)


def _validated(draft: _Draft) -> Settings | None:
    _accept_single(draft.values, "gitee", "webhook_secret")
    permissions = draft.values.pop(SECTION, {})
    settings = _converted(draft)
    entries = PermissionReader(draft.report, draft.source).read(permissions)
    return settings and replace(settings, permissions=entries)


def _converted(draft: _Draft) -> Settings | None:
    try:
        # With JSON input, pydantic is strict about types but accepts a list for a tuple.
        return _adapter().validate_json(json.dumps(draft.values, default=_not_text), strict=True)
    except ValidationError as error:
        for each in error.errors(include_input=False, include_url=False):
            path = counted(each["loc"])
            draft.report(_message(each, path), *path)
        return None


def _check_secrets(draft: _Draft, settings: Settings) -> None:
    """Report what is wrong with the operator's secrets before any run asks for them."""
    for name, secret in settings.secrets.items():
        if is_setting(secret.env):
            # Its value, such as the bot's token, must not reach a step.
            draft.report("is a setting of the bot itself; name another variable", "secrets", name, "env")
            continue
        for key, message in secret.problems(settings.repos.allow, jenkins=bool(settings.jenkins.url)):
            draft.report(message, "secrets", name, key)


def _check_egress(draft: _Draft, settings: Settings) -> None:
    """Report ways out that fit nothing, or that nothing would bound."""
    firewall = settings.docker.firewall or not settings.docker.enabled
    for name, egress in settings.egress.items():
        for key, message in egress.problems(settings.repos.allow, firewall=firewall):
            draft.report(message, "egress", name, key)


def _check_permissions(draft: _Draft, settings: Settings) -> None:
    """Report rules for repositories that the bot cannot serve, if it serves any."""
    allowed = settings.repos.allow
    for pattern in dict.fromkeys(entry.pattern for entry in settings.permissions if "/" in entry.pattern):
        if allowed and not overlaps(allowed, pattern):
            draft.report("fits no repository that [repos] allow has", SECTION, pattern)


def _not_text(moment: object) -> Mapping[str, str]:
    """Convert a TOML date, which JSON lacks, to something that fails validation as text."""
    return {"date": str(moment)}


def _accept_single(values: dict[str, Any], section: str, name: str) -> None:
    held = values.get(section)
    if isinstance(held, dict) and isinstance(held.get(name), str):
        held[name] = [held[name]]


def _message(error: ErrorDetails, path: tuple[str, ...]) -> str:
    """Format an error without the value, which may be a secret."""
    if error["type"] == "unexpected_keyword_argument":
        return unknown(path[0], keys(), "section") if len(path) == 1 else unknown(path[-1], allowed(path[0]))
    if path[0] == "egress" and path[-1] == "[key]":
        return "should be a name of at most 31 lowercase letters, digits and hyphens"
    if path[0] == "secrets" and path[-1] == "[key]":
        return "should be a name of at most 63 lowercase letters, digits, dots, hyphens and underscores"
    if error["type"] == "missing":
        return "is required"
    if error["type"] in {"dataclass_type", "dict_type"}:
        return "should be a section, not a value"
    message = error["msg"].removeprefix("Input ").removeprefix("Value error, ")
    return message[0].lower() + message[1:]
