"""The build context: the tar of a commit without the files that its `.dockerignore` excludes.

The engine does not apply `.dockerignore` to a tar. Its patterns come from the pull request and are matched as
regular expressions, so filtering runs in the sandbox.
"""

import asyncio
import re
import tarfile
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path, PurePosixPath

from docker.utils.build import PatternMatcher

from bot.model.errors import TellUser
from bot.model.limits import SandboxLimits
from bot.model.reason import Reason
from bot.ports import Sandbox

IGNORE_FILE = ".dockerignore"
SECONDS = 10
"""Processor time that filtering may take."""
CHUNK = 1 << 20


@asynccontextmanager
async def filtered(context: Path, dockerfile: str, sandbox: Sandbox) -> AsyncIterator[Path]:
    """Provide the tar to send: the given one without a `.dockerignore`, otherwise a filtered copy.

    Raises TellUser(DOCKERFILE_INVALID) when a pattern cannot be read, and TooExpensive.
    """
    if await asyncio.to_thread(ignore_file, context, dockerfile) is None:
        yield context
        return
    with tempfile.TemporaryDirectory(prefix="chatops-context-") as folder:
        copy = Path(folder) / "context.tar"
        size = (await asyncio.to_thread(context.stat)).st_size
        # The copy's format can take a little more space.
        limits = SandboxLimits(seconds=SECONDS, output=2 * size + CHUNK)
        await sandbox.call(limits, IGNORE_FILE, write_filtered, context, copy, dockerfile)
        yield copy


async def chunks(path: Path) -> AsyncIterator[bytes]:
    """Yield a file in pieces without blocking the event loop."""
    with await asyncio.to_thread(path.open, "rb") as file:
        while data := await asyncio.to_thread(file.read, CHUNK):
            yield data


def ignore_file(context: Path, dockerfile: str) -> list[str] | None:
    """Return the patterns that apply, as for BuildKit: `<Dockerfile>.dockerignore`, or `.dockerignore`."""
    names = (f"{dockerfile}{IGNORE_FILE}", IGNORE_FILE)
    found: dict[str, list[str]] = {}
    with tarfile.open(context) as tar:
        for member in tar:
            name = _name(member)
            content = tar.extractfile(member) if name in names and member.isreg() else None
            if content is not None:
                found[name] = patterns(content.read(CHUNK).decode("utf-8-sig", "replace"))
    return next((found[name] for name in names if name in found), None)


def patterns(text: str) -> list[str]:
    """Return the patterns of a `.dockerignore`, without comments and empty lines."""
    lines = (line.strip() for line in text.splitlines())
    return [line for line in lines if line and not line.startswith("#")]


def write_filtered(context: Path, copy: Path, dockerfile: str) -> None:
    """Copy a tar without ignored and unsafe members; the Dockerfile itself is always included.

    Raises TellUser(DOCKERFILE_INVALID) when a pattern cannot be read.
    """
    try:
        _copy(context, copy, PatternMatcher([*(ignore_file(context, dockerfile) or ()), f"!{dockerfile}"]))
    except re.error as error:
        facts = {"message": f"{IGNORE_FILE}: a pattern in it cannot be read"}
        raise TellUser(Reason.DOCKERFILE_INVALID, facts) from error


def _copy(context: Path, copy: Path, matcher: PatternMatcher) -> None:
    # BuildKit detects a tar by its beginning, but not in Python's default format, PAX.
    with tarfile.open(context) as source, tarfile.open(copy, "w", format=tarfile.GNU_FORMAT) as target:
        for member in source:
            name = _name(member)
            ignored = matcher.matches(name)  # type: ignore[arg-type] # a string, whatever the stubs say
            if _safe(name) and not ignored:
                target.addfile(member, source.extractfile(member) if member.isreg() else None)


def _name(member: tarfile.TarInfo) -> str:
    return str(PurePosixPath(member.name))


def _safe(name: str) -> bool:
    path = PurePosixPath(name)
    return name != "." and not path.is_absolute() and ".." not in path.parts
