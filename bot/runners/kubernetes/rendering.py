"""Renders manifest templates: the built-in ones here, a repository's in a separate process.

Jinja2's sandbox limits what a template can access, but not how much memory it takes (`'x' * 10**9`). So a
repository's templates are rendered in a process with kernel limits.
"""

import asyncio
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from bot.model.errors import TellUser
from bot.model.reason import Reason
from bot.runners.cleanup import uninterrupted
from bot.runners.kubernetes import sandbox
from bot.runners.lines import clean

SECONDS = 20.0
BUILT_IN = Path(__file__).parent / "manifests"


def built_in(name: str, context: Mapping[str, Any]) -> str:
    """Render one of the bot's own templates."""
    environment = Environment(
        loader=FileSystemLoader(BUILT_IN),
        undefined=StrictUndefined,
        autoescape=False,  # noqa: S701 - YAML, not HTML
    )
    environment.filters |= sandbox.FILTERS
    return environment.get_template(f"{name}.yaml.j2").render(context)


async def of_repository(
    templates: Mapping[str, str], context: Mapping[str, Any], folder: str
) -> dict[str, str]:
    """Render a repository's templates, by name. Raises TellUser(MANIFEST_INVALID)."""
    order = json.dumps({"templates": dict(templates), "context": dict(context)}).encode()
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-I",
        str(Path(sandbox.__file__)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env={},
    )
    try:
        async with asyncio.timeout(SECONDS):
            output, _ = await process.communicate(order)
    except TimeoutError:
        raise _invalid(folder, f"rendering took longer than {SECONDS:g} s") from None
    finally:
        await uninterrupted(_kill(process))
    return _read(output, folder)


async def _kill(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.kill()
        await process.wait()


def _read(output: bytes, folder: str) -> dict[str, str]:
    try:
        found = json.loads(output)
    except ValueError:
        raise _invalid(folder, "rendering took too much memory or time") from None
    if "error" in found:
        raise _invalid(f"{folder}/{found['name']}", clean(found["error"]))
    rendered: dict[str, str] = found["rendered"]
    return rendered


def _invalid(path: str, message: str) -> TellUser:
    return TellUser(Reason.MANIFEST_INVALID, {"path": path, "message": message})
