"""`/api/v1`: what the pages show, as JSON. One table makes both the routes and their OpenAPI description."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiohttp import web

from bot.model.forge import RepoPath
from bot.model.run import Run
from bot.web.api.serializers import command_shape, environment_shape, run_shape
from bot.web.deps import DEPS
from bot.web.pages.logs import recorded, whole_log
from bot.web.pages.templating import visitor_language
from bot.web.responses import told

PREFIX = "/api/v1"
PAGE, MOST = 50, 200
LOG_PIECE = 1 << 18
ID = r"[1-9]\d{0,17}"
"""A positive number that any database takes."""


class Refused(Exception):  # noqa: N818 - named by what happened
    """The request cannot be answered; carries the status and the sentence."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing that can be asked: path template without the prefix, what answers, the answer's schema."""

    path: str
    answer: Callable[[web.Request], Awaitable[web.StreamResponse]]
    schema: str
    summary: str
    query: tuple[str, ...] = ()
    text: bool = False
    """Whether `Accept: text/plain` is served too."""

    @property
    def route(self) -> web.RouteDef:
        """Where the router finds it; numbers in the path must look like numbers."""
        path = self.path.replace("{id}", f"{{id:{ID}}}").replace("{number}", f"{{number:{ID}}}")
        return web.get(PREFIX + path, _refusing(self.answer))


async def list_runs(request: web.Request) -> web.Response:
    """Tell runs, newest first."""
    deps = request.app[DEPS]
    limit = _number(request, "limit", PAGE, most=MOST, least=1)
    before = _number(request, "before", 0, most=10**18)
    found = await deps.runs.runs(repo=_repo(request), before=before or None, limit=limit)
    return web.json_response(
        {
            "runs": [run_shape(run, deps.addresses) for run in found],
            "next_before": found[-1].id if len(found) == limit else None,
        }
    )


async def show_run(request: web.Request) -> web.Response:
    """Tell one run."""
    return web.json_response(run_shape(await _run(request), request.app[DEPS].addresses))


async def show_log(request: web.Request) -> web.StreamResponse:
    """Tell a piece of a step's log, or all of it as text."""
    run, step = await _run(request), request.match_info["step"]
    if not recorded(run, step):
        raise Refused(404, f"run {run.id} has no step {step}")
    if _wants_text(request):
        return await whole_log(request, run, step)
    offset = _number(request, "offset", 0, most=1 << 53)
    limit = _number(request, "limit", LOG_PIECE, most=LOG_PIECE, least=1)
    chunk = await request.app[DEPS].logs.read_log(run.id, step, offset, limit)
    # Only a final step's log can end; the record is older than the piece, so nothing is missed.
    ended = _step_is_over(run, step) and chunk.next_offset == offset
    return web.json_response(
        {"text": chunk.text, "offset": offset, "next_offset": chunk.next_offset, "ended": ended}
    )


async def show_pull(request: web.Request) -> web.Response:
    """Tell a pull request's newest runs and its environments."""
    deps = request.app[DEPS]
    repo, number = (
        RepoPath(request.match_info["owner"], request.match_info["repo"]),
        request.match_info["number"],
    )
    runs = await deps.runs.runs(repo=repo, number=int(number), limit=PAGE)
    environments = await deps.environments.environments(repo, int(number))
    if not runs and not environments:
        raise Refused(404, f"nothing is known of {repo}!{number}")
    return web.json_response(
        {
            "repository": str(repo),
            "number": int(number),
            "runs": [run_shape(run, deps.addresses) for run in runs],
            "environments": [environment_shape(one, deps.addresses) for one in environments],
        }
    )


async def list_environments(request: web.Request) -> web.Response:
    """Tell environments that are not removed."""
    deps = request.app[DEPS]
    found = await deps.environments.environments()
    return web.json_response({"environments": [environment_shape(one, deps.addresses) for one in found]})


async def list_commands(request: web.Request) -> web.Response:
    """Tell the commands that exist here, in the asker's language."""
    deps = request.app[DEPS]
    language = visitor_language(request, deps.language)
    return web.json_response({"commands": [command_shape(one, language) for one in deps.commands]})


OPERATIONS = (
    Operation("/runs", list_runs, "RunList", "Runs, newest first", ("repository", "before", "limit")),
    Operation("/runs/{id}", show_run, "Run", "One run with its steps"),
    Operation(
        "/runs/{id}/logs/{step}",
        show_log,
        "LogPiece",
        "A step's log from an offset on",
        ("offset", "limit"),
        text=True,
    ),
    Operation("/pulls/{owner}/{repo}/{number}", show_pull, "Pull", "A pull request's runs and environments"),
    Operation("/environments", list_environments, "EnvironmentList", "Environments that are not removed"),
    Operation("/commands", list_commands, "CommandList", "The commands that exist here", ("lang",)),
)


def _refusing(
    answer: Callable[[web.Request], Awaitable[web.StreamResponse]],
) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def handle(request: web.Request) -> web.StreamResponse:
        try:
            return await answer(request)
        except Refused as refused:
            return told(refused.status, str(refused))

    return handle


async def _run(request: web.Request) -> Run:
    run = await request.app[DEPS].runs.run(int(request.match_info["id"]))
    if run is None:
        raise Refused(404, f"there is no run {request.match_info['id']}")
    return run


def _step_is_over(run: Run, step: str) -> bool:
    return run.state.final or all(record.state.final for record in run.steps if record.name == step)


def _wants_text(request: web.Request) -> bool:
    return request.headers.get("Accept", "").lower().startswith("text/plain")


def _number(request: web.Request, name: str, default: int, *, most: int, least: int = 0) -> int:
    told_value = request.query.get(name)
    if told_value is None:
        return default
    if not (told_value.isascii() and told_value.isdigit()) or len(told_value) > 18:  # noqa: PLR2004 - as in ID
        raise Refused(400, f"{name} is a number")
    if int(told_value) < least:
        raise Refused(400, f"{name} is at least {least}")
    return min(int(told_value), most)


def _repo(request: web.Request) -> RepoPath | None:
    path = request.query.get("repository")
    if path is None:
        return None
    try:
        return RepoPath.parse(path)
    except ValueError as error:
        raise Refused(400, "repository is owner/name") from error
