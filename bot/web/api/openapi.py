"""`/api/v1/openapi.json`: describes the API from the table that also defines its routes."""

import re
from typing import Any

from aiohttp import web
from pydantic import TypeAdapter

from bot.web.api.operations import OPERATIONS, PREFIX, Operation
from bot.web.api.serializers import Problem, Schema

VERSION = "1"

_TEXT = {"type": "string"}
_NUMBER = {"type": "integer"}
_REF = "#/components/schemas/{model}"

PARAMETERS: dict[str, dict[str, Any]] = {
    **dict.fromkeys(("id", "number", "before", "limit", "offset"), _NUMBER),
    **dict.fromkeys(("owner", "repo", "step", "repository"), _TEXT),
    "lang": {"type": "string", "enum": ["zh", "en"]},
}


def document() -> dict[str, Any]:
    """Return the OpenAPI 3.1 document."""
    models: set[type[Schema]] = {Problem, *(operation.result for operation in OPERATIONS)}
    _, schemas = TypeAdapter.json_schemas(
        [(model.__name__, "serialization", TypeAdapter(model)) for model in models], ref_template=_REF
    )
    return {
        "openapi": "3.1.0",
        "info": {"title": "gitee-chatops", "version": VERSION},
        "servers": [{"url": PREFIX}],
        "paths": {operation.path: {"get": _operation(operation)} for operation in OPERATIONS},
        "components": {"schemas": dict(sorted(schemas["$defs"].items()))},
    }


async def show(_request: web.Request) -> web.Response:
    """`GET /api/v1/openapi.json`."""
    return web.json_response(document())


def _operation(operation: Operation) -> dict[str, Any]:
    result = _response(_text(operation.result), operation.result)
    if operation.text:
        result["content"]["text/plain"] = {"schema": _TEXT}
    in_path = re.findall(r"{(\w+)}", operation.path)
    responses = {"200": result, "503": _response("The bot's database does not respond", Problem)}
    if in_path:
        responses["404"] = _response("It does not exist", Problem)
    if operation.query:
        responses["400"] = _response("A parameter is malformed", Problem)
    return {
        "operationId": operation.handler.__name__,
        "summary": _text(operation.handler),
        "parameters": [
            *(_parameter(name, "path") for name in in_path),
            *(_parameter(name, "query") for name in operation.query),
        ],
        "responses": responses,
    }


def _text(described: object) -> str:
    return (described.__doc__ or "").rstrip(".")


def _parameter(name: str, location: str) -> dict[str, Any]:
    return {"name": name, "in": location, "required": location == "path", "schema": PARAMETERS[name]}


def _response(description: str, model: type[Schema]) -> dict[str, Any]:
    schema = {"$ref": _REF.format(model=model.__name__)}
    return {"description": description, "content": {"application/json": {"schema": schema}}}
