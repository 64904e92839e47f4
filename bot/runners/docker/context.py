"""The build context: the tar of a commit without the files that its `.dockerignore` excludes.

The engine does not apply `.dockerignore` to a tar. Its patterns come from the pull request and are matched as
regular expressions, so filtering runs in a separate process with limited time.
"""

import asyncio
import re
import resource
import signal
import sys
import tarfile
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path, PurePosixPath

from docker.utils.build import PatternMatcher

import bot
from bot.model.errors import TellUser
from bot.model.reason import Reason

SECONDS = 10
"""Seconds of processor time that filtering may take."""
CHUNK = 1 << 20
BAD_PATTERN = 3
_PROBLEMS = {
    BAD_PATTERN: "a pattern in it cannot be read",
    -signal.SIGXCPU: "its patterns take too long to match",
    -signal.SIGKILL: "its patterns take too long to match",
}
"""What the author of the pull request has to fix, by exit code of the process."""


@asynccontextmanager
async def filtered(context: Path, dockerfile: str) -> AsyncIterator[Path]:
    """Provide the tar to send: the given one without a `.dockerignore`, otherwise a filtered copy.

    Raises TellUser(DOCKERFILE_INVALID) when the patterns cannot be applied.
    """
    if await asyncio.to_thread(ignore_file, context, dockerfile) is None:
        yield context
        return
    with tempfile.TemporaryDirectory(prefix="chatops-context-") as folder:
        copy = Path(folder) / "context.tar"
        await _run_filter(context, copy, dockerfile)
        yield copy


async def chunks(path: Path) -> AsyncIterator[bytes]:
    """Yield a file in pieces without blocking the event loop."""
    with await asyncio.to_thread(path.open, "rb") as file:
        while data := await asyncio.to_thread(file.read, CHUNK):
            yield data


def ignore_file(context: Path, dockerfile: str) -> list[str] | None:
    """Return the patterns that apply, as for BuildKit: `<Dockerfile>.dockerignore`, or `.dockerignore`."""
    names = (f"{dockerfile}.dockerignore", ".dockerignore")
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
    """Copy a tar without ignored and unsafe members; the Dockerfile itself is always included."""
    matcher = PatternMatcher([*(ignore_file(context, dockerfile) or ()), f"!{dockerfile}"])
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


async def _run_filter(context: Path, copy: Path, dockerfile: str) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", __name__, str(context), str(copy), dockerfile, str(SECONDS)),
        env={"PYTHONPATH": str(Path(bot.__file__).parents[1]), "HOME": "/nonexistent"},
        stdin=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        _, errors = await process.communicate()
    except BaseException:
        process.kill()
        await process.wait()
        raise
    if process.returncode in _PROBLEMS:
        raise TellUser(
            Reason.DOCKERFILE_INVALID, {"message": f".dockerignore: {_PROBLEMS[process.returncode]}"}
        )
    if process.returncode:
        raise RuntimeError(f"filtering the build context: {errors.decode('utf-8', 'replace')}")


def main(arguments: list[str]) -> None:
    """Filter `context` into `copy`; run in the separate process."""
    context, copy, dockerfile, seconds = arguments
    resource.setrlimit(resource.RLIMIT_CPU, (int(seconds), int(seconds)))
    try:
        write_filtered(Path(context), Path(copy), dockerfile)
    except re.error:
        sys.exit(BAD_PATTERN)


if __name__ == "__main__":
    main(sys.argv[1:])
