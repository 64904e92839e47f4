"""The HTTP server: API v2.0 by operation, the token service, and the proxy to the registry."""

import json
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from aiohttp import web

from tests.fakes.harbor import swagger
from tests.fakes.harbor.accounts import permissions_of
from tests.fakes.harbor.registry import RegistryProxy
from tests.fakes.harbor.state import RefusedError, State

Answer = tuple[int, Any]
Query = dict[str, str]
COMPONENTS = ("core", "database", "jobservice", "portal", "redis", "registry", "registryctl", "trivy")
SESSION = "sid"


class FakeHarbor:
    """One Harbor. Tests set up and inspect `state`; `calls` lists the operations that were called."""

    def __init__(self, backend: str) -> None:
        self.state = State()
        self.calls: list[str] = []
        self.broken: list[str] = []
        """Requests and responses that violate the description; the test fails because of them."""
        self.host = ""
        self.down = False
        self._backend = backend

    @property
    def url(self) -> str:
        """Address of Harbor."""
        return f"http://{self.host}"

    def application(self, session: aiohttp.ClientSession) -> web.Application:
        """Return the application."""
        app = web.Application(client_max_size=2**30)
        proxy = RegistryProxy(self.state, self._backend, session)
        app.router.add_get("/service/token", proxy.token)
        app.router.add_route("*", "/v2/{tail:.*}", proxy.handle)
        app.router.add_route("*", swagger.BASE + "/{tail:.*}", self._api)
        return app

    async def _api(self, request: web.Request) -> web.Response:
        found = swagger.find(request.method, request.raw_path)
        if self.down:
            return web.Response(status=502, text="<html>Bad Gateway</html>")
        if found is None:
            return web.Response(status=404, text="<html>there is nothing here</html>")
        operation, path = found
        body = await request.json() if request.can_read_body else None
        self.calls.append(operation.id)
        try:
            swagger.check_request(operation, dict(request.query), body)
            status, answer = self._carry_out(operation.id, request, path, body)
            swagger.check_response(operation, status, answer)
        except swagger.BrokenContractError as error:
            self.broken.append(str(error))
            return web.Response(status=400, text=str(error))
        response = web.Response(
            status=status,
            text=None if answer is None else json.dumps(answer),
            content_type="application/json",
        )
        response.set_cookie(SESSION, "an unrequested session")
        return response

    def _carry_out(self, operation: str, request: web.Request, path: Query, body: Any) -> Answer:
        try:
            _check_session(request)
            name = re.sub(r"[A-Z]", lambda capital: f"_{capital[0].lower()}", operation)
            handler: Callable[[web.Request, Query, Any], Answer] = getattr(self, f"_{name}")
            return handler(request, path, body)
        except RefusedError as refused:
            return refused.status, refused.body

    def _get_health(self, request: web.Request, path: Query, body: Any) -> Answer:
        parts = [
            {"name": name, "status": "unhealthy", "error": "failed to check"}
            if name in self.state.unhealthy
            else {"name": name, "status": "healthy"}
            for name in COMPONENTS
        ]
        return 200, {
            "status": "unhealthy" if self.state.unhealthy else "healthy",
            "components": parts,
        }

    def _head_project(self, request: web.Request, path: Query, body: Any) -> Answer:
        self._account(request)
        return (200 if request.query["project_name"] in self.state.projects else 404), None

    def _create_project(self, request: web.Request, path: Query, body: Any) -> Answer:
        self._need(request, "project:create", "Only system admin can create project")
        self.state.create_project(body["project_name"], body.get("metadata", {}).get("public", "false"))
        return 201, None

    def _get_project(self, request: web.Request, path: Query, body: Any) -> Answer:
        self._account(request)
        name = path["project_name_or_id"]
        by_name = request.headers.get("X-Is-Resource-Name") == "true" or not name.isdecimal()
        if not by_name or name not in self.state.projects:
            raise RefusedError(404, "NOT_FOUND", f"project {name} not found")
        return 200, {"project_id": self.state.projects[name], "name": name}

    def _get_current_user_permissions(self, request: web.Request, path: Query, body: Any) -> Answer:
        permissions = self._account(request)
        pairs = [one.split(":") for one in sorted(permissions)]
        return 200, [{"resource": resource, "action": action} for resource, action in pairs]

    def _list_repositories(self, request: web.Request, path: Query, body: Any) -> Answer:
        self._need(request, "repository:list", "repository:list is not allowed")
        project = f"{path['project_name']}/"
        part = request.query.get("q", "").removeprefix("name=~")
        known = [name for name in sorted(self.state.artifacts) if name.startswith(project) and part in name]
        size, page = int(request.query.get("page_size", 10)), int(request.query.get("page", 1))
        return 200, [{"name": name} for name in known[(page - 1) * size : page * size]]

    def _list_artifacts(self, request: web.Request, path: Query, body: Any) -> Answer:
        repository = self._repository(request, path, "artifact:list")
        known = list(self.state.artifacts.get(repository, {}).values())
        size, page = int(request.query.get("page_size", 10)), int(request.query.get("page", 1))
        shown = known[(page - 1) * size : page * size]
        return 200, [self.state.shape(repository, one, scan=False) for one in shown]

    def _get_artifact(self, request: web.Request, path: Query, body: Any) -> Answer:
        repository = self._repository(request, path, "artifact:read")
        artifact = self.state.find(repository, path["reference"])
        asked = request.query.get("with_scan_overview") == "true"
        return 200, self.state.shape(repository, artifact, scan=asked)

    def _delete_artifact(self, request: web.Request, path: Query, body: Any) -> Answer:
        self.state.delete_artifact(self._repository(request, path, "artifact:delete"), path["reference"])
        return 200, None

    def _delete_tag(self, request: web.Request, path: Query, body: Any) -> Answer:
        repository = self._repository(request, path, "tag:delete")
        self.state.delete_tag(repository, path["reference"], path["tag_name"])
        return 200, None

    def _scan_artifact(self, request: web.Request, path: Query, body: Any) -> Answer:
        self.state.start_scan(self._repository(request, path, "scan:create"), path["reference"])
        return 202, None

    def _repository(self, request: web.Request, path: Query, need: str) -> str:
        self._need(request, need, f"{need} is not allowed")
        if path["project_name"] not in self.state.projects:
            raise RefusedError(404, "NOT_FOUND", f"project {path['project_name']} not found")
        return f"{path['project_name']}/{path['repository_name']}"

    def _need(self, request: web.Request, permission: str, message: str) -> None:
        if permission not in self._account(request):
            raise RefusedError(403, "FORBIDDEN", message)

    def _account(self, request: web.Request) -> frozenset[str]:
        account = permissions_of(self.state, request)
        if account is None:
            raise RefusedError(401, "UNAUTHORIZED", "unauthorized")
        return account


def _check_session(request: web.Request) -> None:
    if request.method not in {"GET", "HEAD"} and SESSION in request.cookies:
        raise RefusedError(403, "FORBIDDEN", "CSRF token not found in request")


@asynccontextmanager
async def harbor_before(backend: str) -> AsyncIterator[FakeHarbor]:
    """Serve a Harbor in front of this registry; at the end, fail if anything violated the description."""
    harbor = FakeHarbor(backend)
    async with aiohttp.ClientSession(auto_decompress=False) as session:
        runner = web.AppRunner(harbor.application(session), shutdown_timeout=1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        harbor.host = f"127.0.0.1:{runner.addresses[0][1]}"
        try:
            yield harbor
        finally:
            await runner.cleanup()
    assert harbor.broken == []
