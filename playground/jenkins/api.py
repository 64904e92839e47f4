"""The HTTP API: reads, starts and stops what a path names."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, get_args
from urllib.parse import unquote

from aiohttp import web

from playground.jenkins import tree
from playground.jenkins.access import ANONYMOUS, CRUMB, SESSION, AccessControl, Caller, JenkinsRefusedError
from playground.jenkins.pages import build_page, home_page, job_page, page
from playground.jenkins.scheduling import Scheduler
from playground.jenkins.serializers import JenkinsSerializer
from playground.jenkins.state import Build, Job, Stop

_API = "/api/json"
_STOPS = get_args(Stop)
_NOT_FOUND = (404, "Not Found", "Not Found")


@dataclass(frozen=True, slots=True)
class JenkinsRequest:
    """A request with its path below the root and its user."""

    http: web.Request
    path: str
    caller: Caller


class JenkinsApi:
    """The HTTP API of one Jenkins."""

    def __init__(
        self, scheduler: Scheduler, access: AccessControl, serializer: Callable[[], JenkinsSerializer]
    ) -> None:
        self._scheduler = scheduler
        self._access = access
        self._serializer = serializer

    async def respond(self, http: web.Request) -> web.StreamResponse:
        """Return the response to any request."""
        self._scheduler.advance()
        try:
            request = JenkinsRequest(http, http.rel_url.raw_path.rstrip("/"), self._access.caller(http))
            if http.method == "POST":
                self._access.require_crumb(http, request.caller)
                response: web.StreamResponse = await self._change(request)
            else:
                response = await self._read(request)
        except JenkinsRefusedError as refused:
            response = refused.response
        self._scheduler.advance()
        return response

    async def _read(self, request: JenkinsRequest) -> web.StreamResponse:
        if found := re.fullmatch(rf"/queue/item/(\d+){_API}", request.path):
            return self._item(request, int(found[1]))
        match request.path.removesuffix(_API):
            case "" if not request.path:
                return home_page(self._scheduler.jobs.values())
            case "":
                return _picked(request, self._serializer().root())
            case "/queue":
                return _picked(request, self._serializer().queue())
            case "/crumbIssuer" | "/whoAmI" as path:
                return self._crumb(request) if path == "/crumbIssuer" else _who(request)
            case _:
                return await self._below_job(request)

    def _crumb(self, request: JenkinsRequest) -> web.Response:
        caller = request.caller
        if not caller.session:
            caller = Caller(caller.name, caller.by_token, f"node0{id(request):x}")
        response = _json(
            {
                "_class": "hudson.security.csrf.DefaultCrumbIssuer",
                "crumb": self._access.crumb(caller),
                "crumbRequestField": CRUMB,
            }
        )
        response.set_cookie(SESSION, caller.session, httponly=True)
        return response

    def _item(self, request: JenkinsRequest, number: int) -> web.Response:
        item = self._scheduler.items.get(number)
        if item is None or not item.job.allows(request.caller.name, "Read"):
            raise JenkinsRefusedError(page(*_NOT_FOUND))
        return _picked(request, self._serializer().item(item))

    async def _below_job(self, request: JenkinsRequest) -> web.StreamResponse:
        name, rest = _split(request.path)
        job = self._scheduler.jobs.get(name)
        if job is None:
            if rest == _API and any(one.startswith(f"{name}/") for one in self._scheduler.jobs):
                return _picked(request, self._serializer().folder(name))
            raise JenkinsRefusedError(page(*_NOT_FOUND))
        self._access.require(request.caller, job, "Read")
        if rest == _API:
            return _picked(request, self._serializer().job(job))
        if not rest:
            return job_page(job, may_build=job.allows(request.caller.name, "Build"))
        build, rest = self._build(job, rest)
        return await self._below_build(request, build, rest)

    async def _below_build(self, request: JenkinsRequest, build: Build, rest: str) -> web.StreamResponse:
        if not rest:
            return build_page(build)
        if rest == _API:
            return _picked(request, self._serializer().build(build))
        if rest == "/logText/progressiveText":
            return await _progressive(request, build)
        if rest == f"/testReport{_API}" and build.report is not None:
            return _picked(request, build.report)
        if rest.startswith("/artifact/"):
            return _artifact(build, unquote(rest.removeprefix("/artifact/")))
        raise JenkinsRefusedError(page(*_NOT_FOUND))

    @staticmethod
    def _build(job: Job, rest: str) -> tuple[Build, str]:
        found = re.match(r"/(\d+)(?=/|$)", rest)
        build = job.builds.get(int(found[1])) if found else None
        if found is None or build is None:
            raise JenkinsRefusedError(page(*_NOT_FOUND))
        return build, rest[found.end() :]

    async def _change(self, request: JenkinsRequest) -> web.Response:
        if request.path == "/queue/cancelItem":
            return self._cancel(request)
        name, rest = _split(request.path)
        job = self._scheduler.jobs.get(name)
        if job is None:
            raise JenkinsRefusedError(page(*_NOT_FOUND))
        if rest in {"/build", "/buildWithParameters"}:
            self._access.require(request.caller, job, "Build")
            return await self._trigger(request, job, rest)
        self._access.require(request.caller, job, "Cancel")
        build, rest = self._build(job, rest)
        how = next((stop for stop in _STOPS if rest == f"/{stop}"), None)
        # A freestyle build supports only `stop`.
        if how is None or (job.kind == "freestyle" and how != "stop"):
            raise JenkinsRefusedError(page(*_NOT_FOUND))
        self._scheduler.stop(build, how)
        return web.Response(status=302, headers={"Location": self._serializer().build_url(build)})

    async def _trigger(self, request: JenkinsRequest, job: Job, rest: str) -> web.Response:
        if not job.buildable:
            raise JenkinsRefusedError(page(409, "Conflict", f"{job.name} is not buildable"))
        if rest == "/buildWithParameters" and job.parameters is None:
            raise JenkinsRefusedError(page(400, "Bad Request", f"{job.name} is not parameterized"))
        given = {**request.http.query, **{k: str(v) for k, v in (await request.http.post()).items()}}
        # Jenkins silently ignores parameters that the job does not declare.
        values = {name: given.get(name, default) for name, default in (job.parameters or {}).items()}
        item, new = self._scheduler.schedule(job, values, request.caller.name)
        location = f"{self._serializer().root()['url']}queue/item/{item.id}/"
        return web.Response(status=201 if new else 303, headers={"Location": location})

    def _cancel(self, request: JenkinsRequest) -> web.Response:
        item = self._scheduler.items.get(int(request.http.query.get("id", "0")))
        if item is None or not item.job.allows(request.caller.name, "Read"):
            raise JenkinsRefusedError(page(404, "Not Found", "Provided id not found"))
        if not item.job.allows(request.caller.name, "Cancel"):
            raise JenkinsRefusedError(
                page(422, "Unprocessable", f"Item for id ({item.id}) is not cancellable")
            )
        if not item.waiting:
            raise JenkinsRefusedError(page(500, "Server Error", f"Could not cancel run for id {item.id}"))
        self._scheduler.cancel(item)
        return web.Response(status=204)


def _who(request: JenkinsRequest) -> web.Response:
    name = request.caller.name
    return _json({"_class": "hudson.security.WhoAmI", "anonymous": name == ANONYMOUS, "name": name})


def _split(path: str) -> tuple[str, str]:
    """Split a path into a job's full name and the rest: `/job/a/job/b/7` into `a/b` and `/7`."""
    found = re.match(r"(?:/job/[^/]+)*", path)
    end = found.end() if found else 0
    parts = path[:end].split("/job/")[1:]
    return "/".join(map(unquote, parts)), path[end:]


def _picked(request: JenkinsRequest, value: Any) -> web.Response:
    wanted = request.http.query.get("tree", "")
    try:
        return _json(tree.parse(wanted).pick(value))
    except tree.TreeError as error:
        raise JenkinsRefusedError(page(400, "Bad Request", str(error))) from error


def _json(value: Any) -> web.Response:
    response = web.json_response(value)
    response.headers["Content-Type"] = "application/json;charset=utf-8"
    return response


async def _progressive(request: JenkinsRequest, build: Build) -> web.StreamResponse:
    log_range = build.console.log_range(int(request.http.query.get("start", "0")))
    response = web.StreamResponse(headers={"Content-Type": "text/plain;charset=UTF-8"})
    response.headers["X-Text-Size"] = str(log_range.end)
    if log_range.more:
        response.headers["X-More-Data"] = "true"
    await response.prepare(request.http)
    for piece in build.console.rendered(log_range):
        await response.write(piece)
    await response.write_eof()
    return response


def _artifact(build: Build, path: str) -> web.Response:
    content = build.artifacts.get(path)
    if content is None:
        raise JenkinsRefusedError(page(*_NOT_FOUND))
    return web.Response(body=content, content_type="application/octet-stream")
