"""Bare git repositories on disk, used through git's plumbing commands without a work tree."""

import asyncio
import os
import shutil
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from playground.state import User, now

ZERO = "0" * 40
"""The sha that git uses for a ref that does not exist."""


class Gitlink(str):
    """The commit of a submodule, in place of a file's content."""

    __slots__ = ()


Content = str | bytes | None
"""A file's new content, or a submodule's commit; None removes it."""
Files = Mapping[str, Content]

_CONFIG = {
    "http.receivepack": "true",
    "uploadpack.allowTipSHA1InWant": "true",
    "uploadpack.allowReachableSHA1InWant": "true",
    "uploadpack.allowFilter": "true",
    # Only the forge writes the refs of pull requests.
    "receive.hideRefs": "refs/pull",
    "core.hooksPath": "/dev/null",
    "gc.auto": "0",
}


class GitError(Exception):
    """A git command failed; the text is its standard error."""


def environment() -> dict[str, str]:
    """Return git's environment: no user configuration, no prompts, no checks of the folder's owner."""
    return {
        "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
        "HOME": "/nonexistent",
        "LC_ALL": "C.UTF-8",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_CONFIG_COUNT": "2",
        "GIT_CONFIG_KEY_0": "safe.directory",
        "GIT_CONFIG_VALUE_0": "*",
        "GIT_CONFIG_KEY_1": "core.quotePath",
        "GIT_CONFIG_VALUE_1": "false",
    }


async def git(
    *arguments: str, stdin: bytes = b"", allow: tuple[int, ...] = (0,), env: Mapping[str, str] | None = None
) -> tuple[int, bytes]:
    """Run git and return its exit status and output; any status not in `allow` raises GitError."""
    if any("\0" in argument for argument in arguments):
        raise GitError("an argument contains a NUL byte")
    process = await asyncio.create_subprocess_exec(
        "git",
        *arguments,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=environment() | dict(env or {}),
    )
    try:
        out, err = await process.communicate(stdin)
    except asyncio.CancelledError:
        with suppress(ProcessLookupError):  # it may have exited already
            process.kill()
        await process.wait()
        raise
    status = process.returncode or 0
    if status not in allow:
        raise GitError(f"git {arguments[0]}: {err.decode(errors='replace').strip()}")
    return status, out


def _ident(user: User) -> str:
    name = user.name.translate(dict.fromkeys(map(ord, "<>\n\0"), " ")).strip() or user.login
    return f"{name} <{user.email}> {int(now().timestamp())} +0800"


def _quoted(path: str) -> bytes:
    escaped = path.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'.encode()


def _data(content: bytes) -> bytes:
    return b"data %d\n%s\n" % (len(content), content)


def _change(path: str, content: Content) -> bytes:
    if content is None:
        return b"D " + _quoted(path) + b"\n"
    if isinstance(content, Gitlink):
        return b"M 160000 %s %s\n" % (content.encode(), _quoted(path))
    blob = content.encode() if isinstance(content, str) else content
    mode = b"100755" if blob.startswith(b"#!") else b"100644"
    return b"M " + mode + b" inline " + _quoted(path) + b"\n" + _data(blob)


def folder_files(folder: Path) -> dict[str, bytes]:
    """Return all files below a folder by their paths with slashes."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }


class GitRepository:
    """A bare repository."""

    def __init__(self, path: Path) -> None:
        self.path = path

    async def run(self, *arguments: str, stdin: bytes = b"", allow: tuple[int, ...] = (0,)) -> bytes:
        """Run git in this repository and return its output."""
        return (await git("-C", str(self.path), *arguments, stdin=stdin, allow=allow))[1]

    async def text(self, *arguments: str) -> str:
        """Run git in this repository and return its output as text without the last newline."""
        return (await self.run(*arguments)).decode(errors="replace").strip("\n")

    async def create(self, default_branch: str) -> None:
        """Create it, empty."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        await git("init", "--quiet", "--bare", f"--initial-branch={default_branch}", str(self.path))
        self._configure()

    async def create_as_fork(self, origin: "GitRepository") -> None:
        """Create it with the branches and tags of another one."""
        head = await origin.text("symbolic-ref", "--short", "HEAD")
        await self.create(head)
        await self.run(
            "fetch", "--quiet", str(origin.path), "+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*"
        )

    def _configure(self) -> None:
        with (self.path / "config").open("a") as config:
            for key, value in _CONFIG.items():
                section, name = key.split(".")
                config.write(f"[{section}]\n\t{name} = {value}\n")

    def delete(self) -> None:
        """Remove it from the disk."""
        shutil.rmtree(self.path)

    async def resolve(self, revision: str) -> str | None:
        """Return the full sha of a branch, tag, ref or sha; None if it does not exist."""
        if revision.startswith("-"):
            return None
        status, out = await git(
            "-C",
            str(self.path),
            "rev-parse",
            "--verify",
            "--quiet",
            f"{revision}^{{commit}}",
            allow=(0, 1, 128),
        )
        return out.decode().strip() if status == 0 else None

    async def refs(self, prefix: str = "refs/heads/") -> dict[str, str]:
        """Return the full names of the refs below a prefix, with their shas."""
        out = await self.text("for-each-ref", "--format=%(refname) %(objectname)", prefix)
        return dict(line.split(" ", 1) for line in out.splitlines())

    async def set_ref(self, ref: str, sha: str) -> None:
        """Set a ref to a commit."""
        await self.run("update-ref", ref, sha)

    async def delete_ref(self, ref: str) -> None:
        """Delete a ref if it exists."""
        await self.run("update-ref", "-d", ref)

    async def commit(self, branch: str, files: Files, by: User, message: str, parent: str | None) -> str:
        """Create a commit on a branch that changes these files, and return its sha."""
        ref = f"refs/heads/{branch}"
        stream = [
            f"commit {ref}\nauthor {_ident(by)}\ncommitter {_ident(by)}\n".encode(),
            _data(message.encode()),
            f"from {parent}\n".encode() if parent else b"",
            *(_change(path, content) for path, content in files.items()),
        ]
        await self.run("fast-import", "--quiet", "--force", stdin=b"".join(stream))
        return await self.text("rev-parse", ref)

    async def fetch(self, other: "GitRepository", source: str, target: str) -> None:
        """Fetch a ref of another repository under another name."""
        await self.run("fetch", "--quiet", "--no-tags", str(other.path), f"+{source}:{target}")

    async def merged_tree(self, base: str, head: str) -> str | None:
        """Return the tree of the merge; None if both conflict."""
        status, out = await git(
            "-C", str(self.path), "merge-tree", "--write-tree", "--no-messages", base, head, allow=(0, 1)
        )
        return out.decode().split("\n", 1)[0] if status == 0 else None

    async def commit_tree(self, tree: str, parents: tuple[str, ...], by: User, message: str) -> str:
        """Create a commit of a tree, on no branch, and return its sha."""
        identity = {
            "NAME": by.name.strip() or by.login,
            "EMAIL": by.email,
            "DATE": f"{int(now().timestamp())} +0800",
        }
        env = {
            f"GIT_{who}_{key}": value for who in ("AUTHOR", "COMMITTER") for key, value in identity.items()
        }
        options = [option for parent in parents for option in ("-p", parent)]
        _, out = await git(
            "-C", str(self.path), "commit-tree", tree, *options, "-F", "-", stdin=message.encode(), env=env
        )
        return out.decode().strip()

    async def rebased(self, base: str, head: str, by: User) -> str:
        """Rebase the commits of `head` onto `base` in a temporary clone, and return the new tip.

        Raises GitError on a conflict.
        """
        with tempfile.TemporaryDirectory(dir=self.path.parent) as folder:
            await git("clone", "--quiet", "--shared", "--no-checkout", str(self.path), folder)
            identity = ("-c", f"user.name={by.name.strip() or by.login}", "-c", f"user.email={by.email}")
            await git("-C", folder, *identity, "checkout", "--quiet", "--detach", head)
            await git("-C", folder, *identity, "rebase", "--quiet", base)
            tip = (await git("-C", folder, "rev-parse", "HEAD"))[1].decode().strip()
            await self.run("fetch", "--quiet", folder, "HEAD")
        return tip
