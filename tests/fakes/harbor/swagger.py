"""Validates requests and responses against Harbor's published API description."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import jsonschema

SAMPLE = Path(__file__).parents[2] / "samples" / "harbor" / "swagger.reduced.json"
DOCUMENT: dict[str, Any] = json.loads(SAMPLE.read_text(encoding="utf-8"))
BASE = str(DOCUMENT["basePath"])

# Responses in Harbor's code that its description omits: src/controller/tag, src/controller/scan,
# src/controller/artifact, src/lib/http/error.go; 401 for everything that needs an account.
UNDECLARED = {
    ("deleteTag", 412),
    ("deleteArtifact", 412),
    ("scanArtifact", 409),
    ("scanArtifact", 412),
    ("headProject", 401),
    ("createProject", 403),
}


class BrokenContractError(AssertionError):
    """A request or a response violates Harbor's API description."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation and the pattern of its paths."""

    id: str
    method: str
    pattern: re.Pattern[str]
    parameters: tuple[Mapping[str, Any], ...]
    responses: Mapping[str, Any]


@cache
def operations() -> tuple[Operation, ...]:
    """Return every operation of the description."""
    return tuple(
        Operation(
            given["operationId"],
            method.upper(),
            re.compile(re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(path)) + "$"),
            tuple(_resolved(one) for one in given.get("parameters", ())),
            {status: _resolved(one) for status, one in given["responses"].items()},
        )
        for path, methods in DOCUMENT["paths"].items()
        for method, given in methods.items()
    )


def find(method: str, raw_path: str) -> tuple[Operation, dict[str, str]] | None:
    """Find an operation as Harbor's router does, which decodes the path once and then splits it."""
    path = unquote(raw_path.partition("?")[0])
    for operation in operations():
        found = operation.pattern.fullmatch(path.removeprefix(BASE))
        if operation.method == method and found:
            return operation, {name: unquote(value) for name, value in found.groupdict().items()}
    return None


def check_request(operation: Operation, query: Mapping[str, str], body: Any) -> None:
    """Raise BrokenContractError for parameters that are unknown, missing, or of the wrong type."""
    known = {one["name"]: one for one in operation.parameters if one["in"] == "query"}
    if unknown := set(query) - set(known):
        raise BrokenContractError(f"{operation.id}: unknown query {sorted(unknown)}")
    for name, parameter in known.items():
        if parameter.get("required") and name not in query:
            raise BrokenContractError(f"{operation.id}: {name} is missing")
        if name in query:
            _check_text(operation, parameter, query[name])
    schema = next((one["schema"] for one in operation.parameters if one["in"] == "body"), None)
    if body is not None and schema is None:
        raise BrokenContractError(f"{operation.id}: takes no body")
    if body is not None:
        validate(schema, body, f"{operation.id}: request")


def check_response(operation: Operation, status: int, body: Any) -> None:
    """Raise BrokenContractError for a response that Harbor would not send."""
    declared = operation.responses.get(str(status))
    if declared is None and (operation.id, status) not in UNDECLARED:
        raise BrokenContractError(f"{operation.id}: does not answer {status}")
    schema = (declared or {"schema": {"$ref": "#/definitions/Errors"}}).get("schema")
    if body is not None and schema is None:
        raise BrokenContractError(f"{operation.id}: {status} has no body")
    if body is not None:
        validate(schema, body, f"{operation.id}: {status}")


def validate(schema: Any, value: Any, what: str) -> None:
    """Validate a value against a schema of the description; unknown keys are errors."""
    whole = {**_closed(schema), "definitions": _closed(DOCUMENT["definitions"])}
    try:
        jsonschema.Draft4Validator(whole).validate(value)
    except jsonschema.ValidationError as error:
        raise BrokenContractError(f"{what}: {error.message} at {list(error.absolute_path)}") from error


def _check_text(operation: Operation, parameter: Mapping[str, Any], text: str) -> None:
    kinds = {"boolean": r"true|false", "integer": r"-?\d+", "string": r".*"}
    if not re.fullmatch(kinds[parameter["type"]], text):
        raise BrokenContractError(f"{operation.id}: {parameter['name']}={text!r}")
    if parameter["type"] == "integer" and int(text) > parameter.get("maximum", int(text)):
        raise BrokenContractError(f"{operation.id}: {parameter['name']}={text!r} is too much")


def _closed(schema: Any) -> Any:
    """Return the schema with unknown keys forbidden."""
    if isinstance(schema, list):
        return [_closed(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {key: _closed(value) for key, value in schema.items()}
    if schema.get("type") == "object" and isinstance(schema.get("properties"), dict):
        closed.setdefault("additionalProperties", False)
    return closed


def _resolved(given: Mapping[str, Any]) -> Mapping[str, Any]:
    if "$ref" not in given:
        return given
    _, section, name = given["$ref"].split("/")
    found: Mapping[str, Any] = DOCUMENT[section][name]
    return found
