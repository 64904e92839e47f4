"""`/api/v1`: the data of the pages as JSON. One table defines the routes and the OpenAPI document."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiohttp import web

from bot.model import run as runs
from bot.model.forge import RepoPath
from bot.web.api.serializers import (
    CommandList,
    EnvironmentList,
    LogPiece,
    Pull,
    Run,
    RunList,
    Schema,
    command_json,
    environment_json,
    run_json,
)
from bot.web.deps import DEPS
from bot.web.pages.logs import recorded, whole_log
from bot.web.pages.templating import visitor_language
from bot.web.responses import json_message

PREFIX = "/api/v1"
PAGE, MOST = 50, 200
LOG_PIECE = 1 << 18
ID = r"[1-9][0-9]{0,8}"
"""A positive number that every database can store: PostgreSQL's integers have 32 bits."""
NAME = r"[A-Za-z0-9_.-]+"
"""An owner or a repository at Gitee."""
LARGEST_ID = 2**31 - 1


class RequestError(Exception):
    """The request cannot be answered; carries the HTTP status and an explanation."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True)
class Operation:
    """One `GET` of the API: a path template without the prefix, its handler, and what the handler returns.

    The docstring of the handler is its summary in the OpenAPI document.
    """

    path: str
    handler: Callable[[web.Request], Awaitable[Schema | web.StreamResponse]]
    result: type[Schema]
    query: tuple[str, ...] = ()
    text: bool = False
    """Whether it also serves `Accept: text/plain`."""

    @property
    def route(self) -> web.RouteDef:
        """Its route; ids and numbers in the path match only numbers, names only names."""
        path = self.path
        for part, pattern in {"id": ID, "number": ID, "owner": NAME, "repo": NAME}.items():
            path = path.replace(f"{{{part}}}", f"{{{part}:{pattern}}}")
        return web.get(PREFIX + path, self._respond)

    async def _respond(self, request: web.Request) -> web.StreamResponse:
        try:
            result = await self.handler(request)
        except RequestError as error:
            return json_message(error.status, str(error))
        if isinstance(result, web.StreamResponse):
            return result
        return web.json_response(text=result.model_dump_json())


async def list_runs(request: web.Request) -> RunList:
    """List runs, newest first."""
    deps = request.app[DEPS]
    limit = _number(request, "limit", PAGE, most=MOST, least=1)
    before = _number(request, "before", 0, most=LARGEST_ID)
    found = await deps.runs.runs(repo=_repo(request), before=before or None, limit=limit)
    return RunList(
        runs=tuple(run_json(run, deps.addresses) for run in found),
        next_before=found[-1].id if len(found) == limit else None,
    )


async def show_run(request: web.Request) -> Run:
    """Return one run."""
    return run_json(await _run(request), request.app[DEPS].addresses)


async def show_log(request: web.Request) -> LogPiece | web.StreamResponse:
    """Return a part of a step's log, or all of it as text."""
    run, step = await _run(request), request.match_info["step"]
    if not recorded(run, step):
        raise RequestError(404, f"run {run.id} has no step {step}")
    if _wants_text(request):
        return await whole_log(request, run, step)
    offset = _number(request, "offset", 0, most=1 << 53)
    limit = _number(request, "limit", LOG_PIECE, most=LOG_PIECE, least=1)
    chunk = await request.app[DEPS].files.read_log(run.id, step, offset, limit)
    # Only the log of a final step can end. The run was read before the log, so no later line is missed.
    ended = _is_final(run, step) and chunk.next_offset == offset
    return LogPiece(text=chunk.text, offset=offset, next_offset=chunk.next_offset, ended=ended)


async def show_pull(request: web.Request) -> Pull:
    """Return a pull request's newest runs and its environments."""
    deps = request.app[DEPS]
    repo = RepoPath(request.match_info["owner"], request.match_info["repo"])
    number = int(request.match_info["number"])
    found = await deps.runs.runs(repo=repo, number=number, limit=PAGE)
    environments = await deps.environments.environments(repo, number)
    if not found and not environments:
        raise RequestError(404, f"no run and no environment of {repo}!{number} is stored")
    return Pull(
        repository=str(repo),
        number=number,
        runs=tuple(run_json(run, deps.addresses) for run in found),
        environments=tuple(environment_json(one, deps.addresses) for one in environments),
    )


async def list_environments(request: web.Request) -> EnvironmentList:
    """List environments that are not removed."""
    deps = request.app[DEPS]
    found = await deps.environments.environments()
    return EnvironmentList(environments=tuple(environment_json(one, deps.addresses) for one in found))


async def list_commands(request: web.Request) -> CommandList:
    """List the commands of this bot in the client's language."""
    deps = request.app[DEPS]
    language = visitor_language(request, deps.language)
    return CommandList(commands=tuple(command_json(one, language) for one in deps.commands))


OPERATIONS = (
    Operation("/runs", list_runs, RunList, ("repository", "before", "limit")),
    Operation("/runs/{id}", show_run, Run),
    Operation("/runs/{id}/logs/{step}", show_log, LogPiece, ("offset", "limit"), text=True),
    Operation("/pulls/{owner}/{repo}/{number}", show_pull, Pull),
    Operation("/environments", list_environments, EnvironmentList),
    Operation("/commands", list_commands, CommandList, ("lang",)),
)


async def _run(request: web.Request) -> runs.Run:
    run = await request.app[DEPS].runs.run(int(request.match_info["id"]))
    if run is None:
        raise RequestError(404, f"run {request.match_info['id']} does not exist")
    return run


def _is_final(run: runs.Run, step: str) -> bool:
    return run.state.final or all(record.state.final for record in run.steps if record.name == step)


def _wants_text(request: web.Request) -> bool:
    return request.headers.get("Accept", "").lower().startswith("text/plain")


def _number(request: web.Request, name: str, default: int, *, most: int, least: int = 0) -> int:
    text = request.query.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit()) or len(text) > 18:  # noqa: PLR2004 - a longer one takes long to read
        raise RequestError(400, f"{name} must be a number")
    if int(text) < least:
        raise RequestError(400, f"{name} must be at least {least}")
    return min(int(text), most)


def _repo(request: web.Request) -> RepoPath | None:
    path = request.query.get("repository")
    if path is None:
        return None
    if not re.fullmatch(f"{NAME}/{NAME}", path):
        raise RequestError(400, "repository must have the form owner/name")
    return RepoPath.parse(path)
