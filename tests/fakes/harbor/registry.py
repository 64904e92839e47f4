"""Harbor's `/v2/`: tokens by project, tags from Harbor's own records, everything else from the registry."""

import json
import re
import secrets
from typing import Any

import aiohttp
from aiohttp import web

from tests.fakes.harbor.accounts import permissions_of
from tests.fakes.harbor.state import RefusedError, State

_PATH = re.compile(r"/v2/(?P<name>.+)/(?P<kind>manifests|blobs|tags)/(?P<rest>.+)")
_HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "host", "authorization"}
_READING = {"GET", "HEAD"}


class RegistryProxy:
    """Forwards requests to the registry if the token allows them."""

    def __init__(self, state: State, backend: str, session: aiohttp.ClientSession) -> None:
        self._state = state
        self._backend = backend
        self._session = session
        self._tokens: dict[str, set[tuple[str, str]]] = {}

    async def token(self, request: web.Request) -> web.Response:
        """Issue a token for the requested actions that the account may perform."""
        permissions = permissions_of(self._state, request)
        if permissions is None:
            return _error(401, "UNAUTHORIZED", "unauthorized")
        token = secrets.token_hex(16)
        self._tokens[token] = set()
        for scope in request.query.getall("scope", []):
            _, name, actions = scope.split(":")
            allowed = {one for one in actions.split(",") if f"repository:{one}" in permissions}
            if name.partition("/")[0] in self._state.projects:
                self._tokens[token] |= {(name, one) for one in allowed}
        return web.json_response({"token": token, "expires_in": 1800})

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer a request or forward it."""
        found = _PATH.fullmatch(request.path)
        name = found["name"] if found else ""
        action = "pull" if request.method in _READING else "push"
        granted = self._tokens.get(request.headers.get("Authorization", "").removeprefix("Bearer "))
        if granted is None or (name and (name, action) not in granted):
            return self._challenge(request, name, action)
        try:
            return await self._allowed(request, found)
        except RefusedError as refused:
            return web.json_response(refused.body, status=refused.status)

    async def _allowed(self, request: web.Request, found: re.Match[str] | None) -> web.StreamResponse:
        if found is None or found["kind"] == "blobs":
            return await self._pass_on(request, request.raw_path)
        name, rest = found["name"], found["rest"]
        if found["kind"] == "tags":
            known = self._state.artifacts.get(name, {}).values()
            return web.json_response({"name": name, "tags": sorted(tag for one in known for tag in one.tags)})
        if request.method == "PUT":
            return await self._put_manifest(request, name, rest)
        digest = self._state.find(name, rest).digest
        return await self._pass_on(request, f"/v2/{name}/manifests/{digest}")

    async def _put_manifest(self, request: web.Request, name: str, tag: str) -> web.StreamResponse:
        held = [one for one in self._state.artifacts.get(name, {}).values() if tag in one.tags]
        if held:
            place = f"{name.partition('/')[2]}:{tag}"
            message = f"Failed to process request due to '{place}' configured as immutable."
            self._state.check_immutable(tag, message)
        body = await request.read()
        response = await self._pass_on(request, request.raw_path, body)
        if response.status == 201:
            digest = response.headers["Docker-Content-Digest"]
            self._state.pushed(name, digest, tag, request.content_type, _size(body))
        return response

    async def _pass_on(
        self, request: web.Request, path: str, body: bytes | None = None
    ) -> web.StreamResponse:
        headers = {key: value for key, value in request.headers.items() if key.lower() not in _HOP_BY_HOP}
        # The registry derives its Location headers from the Host header.
        headers["Host"] = request.host
        data: Any = body if body is not None else (request.content if request.can_read_body else None)
        async with self._session.request(
            request.method, f"http://{self._backend}{path}", headers=headers, data=data, allow_redirects=False
        ) as answer:
            kept = {key: value for key, value in answer.headers.items() if key.lower() not in _HOP_BY_HOP}
            response = web.StreamResponse(status=answer.status, headers=kept)
            if request.method == "HEAD":
                response.content_length = answer.content_length
            await response.prepare(request)
            async for chunk in answer.content.iter_any():
                await response.write(chunk)
            await response.write_eof()
            return response

    def _challenge(self, request: web.Request, name: str, action: str) -> web.Response:
        scope = f',scope="repository:{name}:{action}"' if name else ""
        realm = f"http://{request.host}/service/token"
        response = _error(401, "UNAUTHORIZED", f"unauthorized to access repository: {name}, action: {action}")
        response.headers["WWW-Authenticate"] = f'Bearer realm="{realm}",service="harbor-registry"{scope}'
        return response


def _error(status: int, code: str, message: str) -> web.Response:
    return web.json_response({"errors": [{"code": code, "message": message}]}, status=status)


def _size(body: bytes) -> int:
    manifest = json.loads(body)
    parts = [manifest["config"], *manifest["layers"]] if "config" in manifest else manifest["manifests"]
    return len(body) + sum(int(part["size"]) for part in parts)
