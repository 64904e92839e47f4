"""The API's answers: finds what a path names and lets it be read, started or stopped."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, get_args
from urllib.parse import unquote

from aiohttp import web

from playground.jenkins import tree
from playground.jenkins.access import ANONYMOUS, CRUMB, SESSION, Access, Caller, RefusedError
from playground.jenkins.pages import build_page, home_page, job_page, page
from playground.jenkins.scheduling import Scheduler
from playground.jenkins.shapes import Shapes
from playground.jenkins.state import Build, Job, Stop

_API = "/api/json"
_STOPS = get_args(Stop)
_NOT_FOUND = (404, "Not Found", "Not Found")


@dataclass(frozen=True, slots=True)
class Asked:
    """A request, its path below the root, and who asks."""

    request: web.Request
    path: str
    caller: Caller


class Answers:
    """Answers of one Jenkins."""

    def __init__(self, scheduler: Scheduler, access: Access, shapes: Callable[[], Shapes]) -> None:
        self._scheduler = scheduler
        self._access = access
        self._shapes = shapes

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answer any request."""
        self._scheduler.advance()
        try:
            asked = Asked(request, request.rel_url.raw_path.rstrip("/"), self._access.caller(request))
            if request.method == "POST":
                self._access.require_crumb(request, asked.caller)
                response: web.StreamResponse = await self._change(asked)
            else:
                response = await self._read(asked)
        except RefusedError as refused:
            response = refused.response
        self._scheduler.advance()
        return response

    async def _read(self, asked: Asked) -> web.StreamResponse:
        if found := re.fullmatch(rf"/queue/item/(\d+){_API}", asked.path):
            return self._item(asked, int(found[1]))
        match asked.path.removesuffix(_API):
            case "" if not asked.path:
                return home_page(self._scheduler.jobs.values())
            case "":
                return _picked(asked, self._shapes().root())
            case "/queue":
                return _picked(asked, self._shapes().queue())
            case "/crumbIssuer" | "/whoAmI" as path:
                return self._crumb(asked) if path == "/crumbIssuer" else _who(asked)
            case _:
                return await self._below_job(asked)

    def _crumb(self, asked: Asked) -> web.Response:
        caller = asked.caller
        if not caller.session:
            caller = Caller(caller.name, caller.by_token, f"node0{id(asked):x}")
        answer = _json(
            {
                "_class": "hudson.security.csrf.DefaultCrumbIssuer",
                "crumb": self._access.crumb(caller),
                "crumbRequestField": CRUMB,
            }
        )
        answer.set_cookie(SESSION, caller.session, httponly=True)
        return answer

    def _item(self, asked: Asked, number: int) -> web.Response:
        item = self._scheduler.items.get(number)
        if item is None or not item.job.allows(asked.caller.name, "Read"):
            raise RefusedError(page(*_NOT_FOUND))
        return _picked(asked, self._shapes().item(item))

    async def _below_job(self, asked: Asked) -> web.StreamResponse:
        name, rest = _split(asked.path)
        job = self._scheduler.jobs.get(name)
        if job is None:
            if rest == _API and any(one.startswith(f"{name}/") for one in self._scheduler.jobs):
                return _picked(asked, self._shapes().folder(name))
            raise RefusedError(page(*_NOT_FOUND))
        self._access.require(asked.caller, job, "Read")
        if rest == _API:
            return _picked(asked, self._shapes().job(job))
        if not rest:
            return job_page(job, may_build=job.allows(asked.caller.name, "Build"))
        build, rest = self._build(job, rest)
        return await self._below_build(asked, build, rest)

    async def _below_build(self, asked: Asked, build: Build, rest: str) -> web.StreamResponse:
        if not rest:
            return build_page(build)
        if rest == _API:
            return _picked(asked, self._shapes().build(build))
        if rest == "/logText/progressiveText":
            return await _progressive(asked, build)
        if rest == f"/testReport{_API}" and build.report is not None:
            return _picked(asked, build.report)
        if rest.startswith("/artifact/"):
            return _artifact(build, unquote(rest.removeprefix("/artifact/")))
        raise RefusedError(page(*_NOT_FOUND))

    @staticmethod
    def _build(job: Job, rest: str) -> tuple[Build, str]:
        found = re.match(r"/(\d+)(?=/|$)", rest)
        build = job.builds.get(int(found[1])) if found else None
        if found is None or build is None:
            raise RefusedError(page(*_NOT_FOUND))
        return build, rest[found.end() :]

    async def _change(self, asked: Asked) -> web.Response:
        if asked.path == "/queue/cancelItem":
            return self._cancel(asked)
        name, rest = _split(asked.path)
        job = self._scheduler.jobs.get(name)
        if job is None:
            raise RefusedError(page(*_NOT_FOUND))
        if rest in {"/build", "/buildWithParameters"}:
            self._access.require(asked.caller, job, "Build")
            return await self._trigger(asked, job, rest)
        self._access.require(asked.caller, job, "Cancel")
        build, rest = self._build(job, rest)
        how = next((stop for stop in _STOPS if rest == f"/{stop}"), None)
        # A freestyle build knows neither of the other two.
        if how is None or (job.kind == "freestyle" and how != "stop"):
            raise RefusedError(page(*_NOT_FOUND))
        self._scheduler.stop(build, how)
        return web.Response(status=302, headers={"Location": self._shapes().build_url(build)})

    async def _trigger(self, asked: Asked, job: Job, rest: str) -> web.Response:
        if not job.buildable:
            raise RefusedError(page(409, "Conflict", f"{job.name} is not buildable"))
        if rest == "/buildWithParameters" and job.parameters is None:
            raise RefusedError(page(400, "Bad Request", f"{job.name} is not parameterized"))
        given = {**asked.request.query, **{k: str(v) for k, v in (await asked.request.post()).items()}}
        # What the job does not declare is dropped without a word.
        values = {name: given.get(name, default) for name, default in (job.parameters or {}).items()}
        item, new = self._scheduler.schedule(job, values, asked.caller.name)
        location = f"{self._shapes().root()['url']}queue/item/{item.id}/"
        return web.Response(status=201 if new else 303, headers={"Location": location})

    def _cancel(self, asked: Asked) -> web.Response:
        item = self._scheduler.items.get(int(asked.request.query.get("id", "0")))
        if item is None or not item.job.allows(asked.caller.name, "Read"):
            raise RefusedError(page(404, "Not Found", "Provided id not found"))
        if not item.job.allows(asked.caller.name, "Cancel"):
            raise RefusedError(page(422, "Unprocessable", f"Item for id ({item.id}) is not cancellable"))
        if not item.waiting:
            raise RefusedError(page(500, "Server Error", f"Could not cancel run for id {item.id}"))
        self._scheduler.cancel(item)
        return web.Response(status=204)


def _who(asked: Asked) -> web.Response:
    name = asked.caller.name
    return _json({"_class": "hudson.security.WhoAmI", "anonymous": name == ANONYMOUS, "name": name})


def _split(path: str) -> tuple[str, str]:
    """Split a path into a job's full name and the rest: `/job/a/job/b/7` is `a/b` and `/7`."""
    found = re.match(r"(?:/job/[^/]+)*", path)
    end = found.end() if found else 0
    parts = path[:end].split("/job/")[1:]
    return "/".join(map(unquote, parts)), path[end:]


def _picked(asked: Asked, value: Any) -> web.Response:
    wanted = asked.request.query.get("tree", "")
    try:
        return _json(tree.parse(wanted).pick(value))
    except tree.TreeError as error:
        raise RefusedError(page(400, "Bad Request", str(error))) from error


def _json(value: Any) -> web.Response:
    answer = web.json_response(value)
    answer.headers["Content-Type"] = "application/json;charset=utf-8"
    return answer


async def _progressive(asked: Asked, build: Build) -> web.StreamResponse:
    progress = build.console.progress(int(asked.request.query.get("start", "0")))
    answer = web.StreamResponse(headers={"Content-Type": "text/plain;charset=UTF-8"})
    answer.headers["X-Text-Size"] = str(progress.end)
    if progress.more:
        answer.headers["X-More-Data"] = "true"
    await answer.prepare(asked.request)
    for piece in build.console.served(progress):
        await answer.write(piece)
    await answer.write_eof()
    return answer


def _artifact(build: Build, path: str) -> web.Response:
    content = build.artifacts.get(path)
    if content is None:
        raise RefusedError(page(*_NOT_FOUND))
    return web.Response(body=content, content_type="application/octet-stream")
