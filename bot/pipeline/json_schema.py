"""The JSON Schema of `.chatops.yml` for editors, generated from the model and the ranges of the checks."""

from collections.abc import Iterator
from typing import Any

from pydantic import TypeAdapter

from bot.model.pipeline import DeployConfig, Pipeline, ServiceConfig, SetupCommand
from bot.pipeline import checks, shape

DIALECT = "https://json-schema.org/draft/2020-12/schema"

_SCALAR = ["string", "number", "boolean"]


def schema() -> dict[str, Any]:
    """Return the schema. It is less strict than `config_file.read`."""
    found = TypeAdapter(Pipeline).json_schema()
    for part in _parts(found):
        # A title only repeats the name of the key in another spelling.
        part.pop("title", None)
        if part.get("additionalProperties") == {"type": "string"}:
            part["additionalProperties"] = {"type": _SCALAR}
        if "description" in part:
            part["description"] = " ".join(part["description"].split())
    for pattern, (low, high) in checks.BOUNDS.items():
        owner = shape.kind_at(pattern[:-1]).__name__
        _number(found["$defs"][owner]["properties"][pattern[-1]]).update(minimum=low, maximum=high)
    found["$defs"][ServiceConfig.__name__]["required"] = ["image"]
    found["$defs"][SetupCommand.__name__]["required"] = ["run"]
    commands = found["$defs"][DeployConfig.__name__]["properties"]["setup"]
    commands["items"] = {"anyOf": [{"type": "string"}, commands["items"]]}
    return {"$schema": DIALECT, "title": ".chatops.yml", **found}


def descriptions() -> dict[tuple[str, str], str]:
    """Return the docstrings of all fields by the names of dataclass and field."""
    found = schema()
    owners = {Pipeline.__name__: found, **found["$defs"]}
    return {
        (owner, name): _description(field, owners)
        for owner, part in owners.items()
        for name, field in part.get("properties", {}).items()
    }


def _description(field: dict[str, Any], owners: dict[str, dict[str, Any]]) -> str:
    """Return a field's description; pydantic omits it if it equals the one of the field's dataclass."""
    found: str = field.get("description") or owners[field["$ref"].rpartition("/")[2]]["description"]
    return found


def _parts(node: Any) -> Iterator[dict[str, Any]]:
    """Yield a schema and all schemas in it."""
    yield node
    inner = [*node.get("$defs", {}).values(), *node.get("properties", {}).values(), *node.get("anyOf", ())]
    for part in inner:
        yield from _parts(part)


def _number(part: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of the integer: the schema itself, or one of its alternatives."""
    alternatives: list[dict[str, Any]] = part.get("anyOf", [part])
    return next(each for each in alternatives if each.get("type") == "integer")
