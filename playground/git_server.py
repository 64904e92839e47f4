"""Git over smart HTTP at `/<owner>/<repo>.git`: git's own `http-backend` as a CGI program, streamed."""

import asyncio
import contextlib
import functools
from collections.abc import Awaitable, Callable
from http import HTTPStatus

from aiohttp import web

from playground import access, branches
from playground.forge import OfflineForge
from playground.git_repositories import ZERO, environment
from playground.lfs import LfsServer
from playground.refusals import ForgeRefusedError
from playground.state import Repository, User

_CHUNK = 65_536
_SERVICES = {"git-upload-pack", "git-receive-pack"}


class GitServer:
    """The routes of git's smart HTTP protocol."""

    def __init__(self, forge: OfflineForge, lfs: LfsServer) -> None:
        self._forge = forge
        self._lfs = lfs

    def routes(self) -> list[web.RouteDef]:
        """Return the routes to serve."""
        where = "/{owner}/{repo}"
        contents = f"{where}/info/lfs/objects"
        return [
            web.post(f"{contents}/batch", self._lfs_batch),
            web.get(f"{contents}/{{oid}}", self._lfs_download),
            web.put(f"{contents}/{{oid}}", self._lfs_upload),
            web.get(f"{where}/info/refs", self._info_refs),
            web.post(f"{where}/git-upload-pack", self._upload_pack),
            web.post(f"{where}/git-receive-pack", self._receive_pack),
        ]

    async def _info_refs(self, request: web.Request) -> web.StreamResponse:
        service = request.query.get("service", "")
        if service not in _SERVICES:
            return web.Response(status=403, text="only git's smart HTTP protocol is supported\n")
        return await self._serve(request, "info/refs", writes=service == "git-receive-pack")

    async def _upload_pack(self, request: web.Request) -> web.StreamResponse:
        return await self._serve(request, "git-upload-pack", writes=False)

    async def _receive_pack(self, request: web.Request) -> web.StreamResponse:
        return await self._serve(request, "git-receive-pack", writes=True)

    async def _lfs_batch(self, request: web.Request) -> web.StreamResponse:
        asked = await request.json()
        try:
            repository, _ = self._authorize(request, writes=asked["operation"] == "upload")
        except ForgeRefusedError as refusal:
            return _refused(refusal)
        return await self._lfs.batch(request, repository, asked)

    async def _lfs_download(self, request: web.Request) -> web.StreamResponse:
        try:
            repository, _ = self._authorize(request, writes=False)
        except ForgeRefusedError as refusal:
            return _refused(refusal)
        return await self._lfs.download(request, repository)

    async def _lfs_upload(self, request: web.Request) -> web.StreamResponse:
        try:
            repository, _ = self._authorize(request, writes=True)
        except ForgeRefusedError as refusal:
            return _refused(refusal)
        return await self._lfs.upload(request, repository)

    async def _serve(self, request: web.Request, path: str, *, writes: bool) -> web.StreamResponse:
        try:
            repository, user = self._authorize(request, writes=writes)
        except ForgeRefusedError as refusal:
            return _refused(refusal)
        if path != "git-receive-pack" or user is None:
            return await self._backend(request, repository, path, user)
        async with self._forge.lock(repository):
            before = await self._refs(repository)
            # Announced before the response ends, so that `git push` returns after all effects.
            follow = functools.partial(self._follow, repository, before, user)
            return await self._backend(request, repository, path, user, follow)

    def _authorize(self, request: web.Request, *, writes: bool) -> tuple[Repository, User | None]:
        """Return the repository and the user. Raises ForgeRefusedError where the forge refuses."""
        header = request.headers.get("Authorization")
        user = access.user_of(self._forge.world, access.credentials(header) if header else None)
        name = f"{request.match_info['owner']}/{request.match_info['repo'].removesuffix('.git')}"
        repository = self._forge.world.repository(name)
        if repository is None or not self._forge.world.may(user, "read", repository):
            # Without credentials, a private repository looks like one that does not exist.
            raise ForgeRefusedError(404 if user else 401, "[session] Not found, or no permission")
        if writes:
            self._forge.require(user, "write", repository)
        return repository, user

    async def _refs(self, repository: Repository) -> dict[str, str]:
        git = self._forge.git(repository)
        return await git.refs("refs/heads/") | await git.refs("refs/tags/")

    async def _follow(self, repository: Repository, before: dict[str, str], user: User) -> None:
        """Announce every branch and tag that the push moved."""
        after = await self._refs(repository)
        for ref in sorted(before.keys() | after.keys()):
            old, new = before.get(ref, ZERO), after.get(ref, ZERO)
            if old != new:
                await branches.ref_moved(self._forge, repository, ref, old, new, user)

    async def _backend(
        self,
        request: web.Request,
        repository: Repository,
        path: str,
        user: User | None,
        follow: Callable[[], Awaitable[None]] | None = None,
    ) -> web.StreamResponse:
        directory = self._forge.git(repository).path
        process = await asyncio.create_subprocess_exec(
            "git", "http-backend",
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
            env=_cgi(request, str(directory.parent), f"/{directory.name}/{path}", user),
        )  # fmt: skip
        feeding = asyncio.create_task(_feed(request, process))
        try:
            response = await _relay(request, process)
            if follow is not None:
                await follow()
            await response.write_eof()
        finally:
            feeding.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await feeding
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
        return response


def _refused(refusal: ForgeRefusedError) -> web.Response:
    headers = {"WWW-Authenticate": 'Basic realm="Gitee"'} if refusal.status == HTTPStatus.UNAUTHORIZED else {}
    return web.Response(status=refusal.status, text=f"{refusal.message}\n", headers=headers)


def _cgi(request: web.Request, root: str, path: str, user: User | None) -> dict[str, str]:
    """Return the CGI variables, without encoding and length, because the body is already decompressed."""
    variables = {
        "GIT_PROJECT_ROOT": root,
        "GIT_HTTP_EXPORT_ALL": "1",
        "PATH_INFO": path,
        "REQUEST_METHOD": request.method,
        "QUERY_STRING": request.query_string,
        "CONTENT_TYPE": request.headers.get("Content-Type", ""),
        "REMOTE_ADDR": "127.0.0.1",
        "GIT_PROTOCOL": request.headers.get("Git-Protocol", ""),
    }
    if user is not None:
        variables |= {"REMOTE_USER": user.login, "GIT_COMMITTER_EMAIL": user.email}
    return environment() | variables


async def _feed(request: web.Request, process: asyncio.subprocess.Process) -> None:
    assert process.stdin is not None  # noqa: S101 - the process was created with a pipe
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        async for chunk in request.content.iter_chunked(_CHUNK):
            process.stdin.write(chunk)
            await process.stdin.drain()
    process.stdin.close()


async def _relay(request: web.Request, process: asyncio.subprocess.Process) -> web.StreamResponse:
    assert process.stdout is not None  # noqa: S101 - the process was created with a pipe
    response = web.StreamResponse()
    while line := (await process.stdout.readline()).decode().strip():
        name, _, value = line.partition(":")
        if name.lower() == "status":
            response.set_status(int(value.split()[0]))
        else:
            response.headers[name] = value.strip()
    await response.prepare(request)
    while chunk := await process.stdout.read(_CHUNK):
        await response.write(chunk)
    await process.wait()
    return response
