"""Renders a repository's templates. It imports nothing of the bot, so that a process starts it quickly."""

import json
from typing import Any

import jinja2
from jinja2.sandbox import ImmutableSandboxedEnvironment

LARGEST = 1 << 20
"""Characters of all rendered texts together."""


def as_json(value: Any) -> str:
    """Format any value for YAML, as JSON, which is valid YAML."""
    return json.dumps(value, ensure_ascii=True)


def variables(env: dict[str, Any]) -> str:
    """Format environment variables as a container's `env`."""
    return as_json([{"name": name, "value": literal(value)} for name, value in env.items()])


def words(command: list[str]) -> str:
    """Format a command as a container's `args`."""
    return as_json([literal(word) for word in command])


def literal(value: Any) -> str:
    """Escape `$`, so that Kubernetes expands no `$(NAME)` and keeps `$$`."""
    return str(value).replace("$", "$$")


_ERRORS = (
    *(jinja2.TemplateError, ArithmeticError, LookupError, RecursionError),
    *(SyntaxError, TypeError, ValueError),
)
"""What a template can raise; a deeply nested one even from Python's own parser."""
FILTERS: dict[str, Any] = {"json": as_json, "variables": variables, "words": words}


def rendered(templates: dict[str, str], context: dict[str, Any]) -> dict[str, Any]:
    """Return the rendered texts by name, or the first error; files that begin with `_` are only included."""
    environment = ImmutableSandboxedEnvironment(
        loader=jinja2.DictLoader(templates),
        undefined=jinja2.StrictUndefined,
        autoescape=False,
    )
    environment.filters.update(FILTERS)
    found: dict[str, str] = {}
    for name in sorted(templates):
        if name.rpartition("/")[2].startswith("_"):
            continue
        try:
            found[name] = environment.get_template(name).render(context)
        except _ERRORS as error:
            line = getattr(error, "lineno", None)
            return {"name": name, "error": f"line {line}: {error}" if line else str(error)}
        if sum(map(len, found.values())) > LARGEST:
            return {"name": name, "error": "the result is too large"}
    return {"rendered": found}
