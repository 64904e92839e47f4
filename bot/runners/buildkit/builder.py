"""Builds and pushes in one go, since buildkitd keeps no images that could be pushed later."""

import asyncio
import base64
import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bot.model.errors import RetryLater
from bot.model.reason import Reason
from bot.ports import BuildOrder, Built, Log
from bot.runners.buildkit import command
from bot.runners.buildkit.command import BuildKitOptions
from bot.runners.buildkit.context import unpack
from bot.runners.buildkit.process import started
from bot.runners.buildkit.progress import PlainProgress
from bot.runners.lines import LogWriter

DIGEST = "containerimage.digest"


class BuildKitBuilder:
    """Implements `Builder`. `accounts` are user and password by registry, as it stands in image names."""

    def __init__(
        self, options: BuildKitOptions, accounts: Mapping[str, tuple[str, str]] | None = None
    ) -> None:
        self._options = options
        self._accounts = accounts or {}
        self._pushed: dict[str, str] = {}

    async def build(self, order: BuildOrder, log: Log) -> Built:
        """Build and push; see `Builder.build`. The image's id is its pinned reference.

        Raises also RetryLater(BUILDKIT_UNAVAILABLE), GiveUp(REGISTRY_DENIED | NOT_SUPPORTED).
        """
        with tempfile.TemporaryDirectory(prefix="chatops-buildkit-") as name:
            folder = Path(name)
            context = folder / "context"
            await asyncio.to_thread(unpack, order.context, context)
            await asyncio.to_thread(self._log_in, folder)
            metadata = folder / "metadata.json"
            await self._run(order, command.build(order, self._options, context, metadata), folder, log)
            digest = await asyncio.to_thread(_digest, metadata)
        self._pushed[order.tag] = digest
        # How large it is, the registry knows.
        return Built(f"{order.tag.rpartition(':')[0]}@{digest}", 0, ())

    async def push(self, tag: str, log: Log) -> str:  # noqa: ARG002 - nothing is left to tell
        """Return the digest of what `build` has pushed; see `Builder.push`."""
        if tag not in self._pushed:
            raise RetryLater(Reason.BUILDKIT_UNAVAILABLE, {"message": f"{tag} was not built here"})
        return self._pushed.pop(tag)

    async def ping(self) -> str | None:
        """Return None when buildkitd answers, else what is wrong."""
        with tempfile.TemporaryDirectory(prefix="chatops-buildkit-") as name:
            asking = (*self._options.client, "debug", "workers")
            async with started(asking, Path(name)) as process:
                said = [line async for line in process.lines()]
                code = await process.code()
        if code == 0:
            return None
        return next((line for line in reversed(said) if line), f"exit code {code}").removeprefix("error: ")

    async def _run(self, order: BuildOrder, building: tuple[str, ...], folder: Path, log: Log) -> None:
        writer, progress = LogWriter(log), PlainProgress()
        async with started(building, folder, {"DOCKER_CONFIG": str(folder)}) as process:
            async for line in process.lines():
                shown = progress.feed(line)
                if shown is not None:
                    writer.line(shown)
            if await process.code():
                raise progress.failure(tag=order.tag, path=order.dockerfile)

    def _log_in(self, folder: Path) -> None:
        """Write the accounts where the client looks for them; buildkitd asks it for each registry."""
        auths = {
            host: {"auth": base64.b64encode(f"{user}:{password}".encode()).decode()}
            for host, (user, password) in self._accounts.items()
        }
        file = folder / "config.json"
        file.touch(mode=0o600)
        file.write_text(json.dumps({"auths": auths}))


def _digest(metadata: Path) -> str:
    found: Any = json.loads(metadata.read_text(encoding="utf-8"))
    return str(found[DIGEST])
