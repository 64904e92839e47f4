"""A git server over HTTP with one bare repository, into which tests write hostile commits."""

import asyncio
import base64
import io
import os
import subprocess
import tarfile
from collections.abc import Callable, Sequence
from pathlib import Path

from aiohttp import web

from bot.gitee.source import GitSource
from bot.model.forge import RepoPath

TOKEN = "sesame-open"
REPO = RepoPath("lin", "guestbook")


class Upstream:
    """A bare repository with handmade commits, and the requests to its server."""

    def __init__(self, folder: Path) -> None:
        self.git_dir = folder / "lin" / "guestbook.git"
        self.git_dir.mkdir(parents=True)
        self.requests: list[web.Request] = []
        self.answer: Callable[[], web.Response] | None = None
        self.held = asyncio.Event()
        """Set when a request hangs because `hold` is set."""
        self.hold = False
        self.url = ""
        self.git("init", "-q", "--bare", ".")
        self.git("config", "uploadpack.allowReachableSHA1InWant", "true")

    def git(self, *arguments: str, given: bytes = b"") -> str:
        """Run git in the repository."""
        environ = {"PATH": os.environ["PATH"], "HOME": str(self.git_dir), "GIT_CONFIG_NOSYSTEM": "1"}
        for who in ("AUTHOR", "COMMITTER"):
            environ |= {f"GIT_{who}_NAME": "lin", f"GIT_{who}_EMAIL": "lin@example.com"}
        done = subprocess.run(  # noqa: S603 - the commands are written in these tests
            ["git", *arguments],  # noqa: S607 - found on PATH as by the code under test
            cwd=self.git_dir,
            env=environ,
            input=given,
            check=True,
            capture_output=True,
        )
        return done.stdout.decode().strip()

    def commit(
        self,
        files: dict[str, bytes],
        *,
        links: dict[str, str] | None = None,
        submodules: dict[str, str] | None = None,
        parent: str = "",
        merged: Sequence[str] = (),
    ) -> str:
        """Create a commit with exactly these files, symlinks and submodules' commits, and return its id."""
        entries = [("100644", path, content) for path, content in files.items()]
        entries += [("120000", path, target.encode()) for path, target in (links or {}).items()]
        index = "".join(
            f"{mode} {self.git('hash-object', '-w', '--stdin', given=content)}\t{path}\n"
            for mode, path, content in entries
        )
        index += "".join(f"160000 {sha}\t{path}\n" for path, sha in (submodules or {}).items())
        (self.git_dir / "index").unlink(missing_ok=True)
        self.git("update-index", "--index-info", given=index.encode())
        tree = self.git("write-tree")
        parents = [part for one in (parent, *merged) if one for part in ("-p", one)]
        return self.git("commit-tree", tree, *parents, "-m", "a change")

    def pull(self, number: int, sha: str) -> None:
        """Set the head of a pull request."""
        self.git("update-ref", f"refs/pull/{number}/head", sha)

    def open(self, files: dict[str, bytes], number: int = 7) -> str:
        """Create a commit and a pull request for it, and return its id."""
        sha = self.commit(files)
        self.pull(number, sha)
        return sha

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Answer like Gitee: only with the token, only for the repository."""
        self.requests.append(request)
        if self.hold:
            self.held.set()
            await asyncio.Event().wait()
        if self.answer:
            return self.answer()
        expected = base64.b64encode(f"oauth2:{TOKEN}".encode()).decode()
        if request.headers.get("Authorization") != f"Basic {expected}":
            return web.Response(status=401, headers={"WWW-Authenticate": 'Basic realm="git"'})
        return await self._backend(request)

    async def _backend(self, request: web.Request) -> web.Response:
        environ = {
            "PATH": os.environ["PATH"],
            "GIT_PROJECT_ROOT": str(self.git_dir.parent.parent),
            "GIT_HTTP_EXPORT_ALL": "1",
            "PATH_INFO": request.path,
            "QUERY_STRING": request.query_string,
            "REQUEST_METHOD": request.method,
            "CONTENT_TYPE": request.headers.get("Content-Type", ""),
            "HTTP_CONTENT_ENCODING": request.headers.get("Content-Encoding", ""),
            "GIT_PROTOCOL": request.headers.get("Git-Protocol", ""),
        }
        process = await asyncio.create_subprocess_exec(
            "git", "http-backend", env=environ, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
        )
        output, _ = await process.communicate(await request.read())
        head, _, body = output.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().splitlines())
        status = int(headers.pop("Status", "200").split()[0])
        return web.Response(status=status, body=body, headers=headers)


async def names(source: GitSource, sha: str, folder: str = ".") -> dict[str, tarfile.TarInfo]:
    """Return the members of the archive of a folder, by name."""
    async with source.archive(REPO, sha, folder) as path:
        with tarfile.open(fileobj=io.BytesIO(path.read_bytes())) as tar:
            return {member.name: member for member in tar.getmembers()}
