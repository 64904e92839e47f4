"""`/api/v1/openapi.json`: the API described from the table that also makes its routes."""

import re
from typing import Any

from aiohttp import web

from bot.model.delivery import Trigger
from bot.model.environment import EnvironmentState
from bot.model.run import RunState, StepState
from bot.model.scan import Severity
from bot.web.api.operations import OPERATIONS, PREFIX, Operation

VERSION = "1"

Schema = dict[str, Any]

TEXT: Schema = {"type": "string"}
NUMBER: Schema = {"type": "integer"}
TIME: Schema = {"type": ["string", "null"], "format": "date-time"}
TEXTS: Schema = {"type": "array", "items": TEXT}


def _object(**properties: Schema) -> Schema:
    return {
        "type": "object",
        "properties": properties,
        "required": sorted(properties),
        "additionalProperties": False,
    }


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def _list(name: str) -> Schema:
    return {"type": "array", "items": _ref(name)}


def _words(kind: type[RunState | StepState | EnvironmentState | Trigger]) -> Schema:
    return {"type": "string", "enum": [str(one) for one in kind]}


def _or_null(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "null"}]}


SCHEMAS: dict[str, Schema] = {
    "Problem": _object(status=TEXT, message=TEXT),
    "Scan": _object(**dict.fromkeys(map(str, Severity), NUMBER), total=NUMBER, fixable=NUMBER, scanner=TEXT),
    "Image": _object(reference=TEXT, digest=TEXT, size=NUMBER, scan=_or_null(_ref("Scan"))),
    "TestCounts": _object(
        passed=NUMBER, failed=NUMBER, skipped=NUMBER, flaky=NUMBER, seconds={"type": "number"}
    ),
    "Trouble": _object(reason=TEXT, facts={"type": "object", "additionalProperties": TEXT}, again_in=NUMBER),
    "Step": _object(
        name=TEXT,
        state=_words(StepState),
        attempt=NUMBER,
        started_at=TIME,
        finished_at=TIME,
        waiting=TEXT,
        link=TEXT,
        trouble=_or_null(_ref("Trouble")),
        seconds={"type": ["number", "null"]},
        reason={"type": ["string", "null"]},
        facts={"type": "object", "additionalProperties": TEXT},
        image=_or_null(_ref("Image")),
        url={"type": ["string", "null"]},
        tests=_or_null(_ref("TestCounts")),
        failed_tests=TEXTS,
    ),
    "Run": _object(
        id=NUMBER,
        repository=TEXT,
        number=NUMBER,
        title=TEXT,
        sha=TEXT,
        state=_words(RunState),
        final={"type": "boolean"},
        trigger=_words(Trigger),
        actor=TEXT,
        command=TEXT,
        created_at=TIME,
        started_at=TIME,
        finished_at=TIME,
        url=TEXT,
        steps=_list("Step"),
    ),
    "RunList": _object(runs=_list("Run"), next_before={"type": ["integer", "null"]}),
    "LogPiece": _object(text=TEXT, offset=NUMBER, next_offset=NUMBER, ended={"type": "boolean"}),
    "Environment": _object(
        repository=TEXT,
        number=NUMBER,
        name=TEXT,
        url=TEXT,
        state=_words(EnvironmentState),
        sha=TEXT,
        run=NUMBER,
        deployed_at=TIME,
        expires_at=TIME,
    ),
    "EnvironmentList": _object(environments=_list("Environment")),
    "Pull": _object(repository=TEXT, number=NUMBER, runs=_list("Run"), environments=_list("Environment")),
    "Argument": _object(name=TEXT, usage=TEXT, summary=TEXT),
    "Command": _object(
        name=TEXT,
        aliases=TEXTS,
        usage=TEXT,
        summary=TEXT,
        needs=TEXT,
        arguments=_list("Argument"),
        examples=TEXTS,
    ),
    "CommandList": _object(commands=_list("Command")),
}
PARAMETERS: dict[str, Schema] = {
    "id": NUMBER,
    "number": NUMBER,
    "owner": TEXT,
    "repo": TEXT,
    "step": TEXT,
    "repository": TEXT,
    "before": NUMBER,
    "limit": NUMBER,
    "offset": NUMBER,
    "lang": {"type": "string", "enum": ["zh", "en"]},
}


def document() -> dict[str, Any]:
    """Return the description as OpenAPI 3.1."""
    return {
        "openapi": "3.1.0",
        "info": {"title": "gitee-chatops", "version": VERSION},
        "servers": [{"url": PREFIX}],
        "paths": {one.path: {"get": _operation(one)} for one in OPERATIONS},
        "components": {"schemas": SCHEMAS},
    }


async def show(_request: web.Request) -> web.Response:
    """`GET /api/v1/openapi.json`."""
    return web.json_response(document())


def _operation(one: Operation) -> dict[str, Any]:
    content: dict[str, Any] = {"application/json": {"schema": _ref(one.schema)}}
    if one.text:
        content["text/plain"] = {"schema": TEXT}
    in_path = re.findall(r"{(\w+)}", one.path)
    answers: dict[str, Any] = {
        "200": {"description": one.summary, "content": content},
        "503": _problem("The bot's database does not answer"),
    }
    if in_path:
        answers["404"] = _problem("There is no such thing")
    if one.query:
        answers["400"] = _problem("A parameter is malformed")
    return {
        "operationId": one.answer.__name__,
        "summary": one.summary,
        "parameters": [
            *(_parameter(name, "path") for name in in_path),
            *(_parameter(name, "query") for name in one.query),
        ],
        "responses": answers,
    }


def _parameter(name: str, place: str) -> dict[str, Any]:
    return {"name": name, "in": place, "required": place == "path", "schema": PARAMETERS[name]}


def _problem(description: str) -> dict[str, Any]:
    return {"description": description, "content": {"application/json": {"schema": _ref("Problem")}}}
