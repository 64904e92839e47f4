"""Builds and pushes in one call, because buildkitd keeps no images that could be pushed later."""

import asyncio
import base64
import json
import tempfile
from pathlib import Path
from typing import Any

from bot.model.account import RegistryAccount
from bot.model.errors import RetryLater
from bot.model.reason import Reason
from bot.ports import BuildOrder, Built, Log
from bot.runners.build_isolation import refuse_unlisted
from bot.runners.buildkit.command import BuildKitOptions, build_command
from bot.runners.buildkit.context import unpack
from bot.runners.buildkit.process import started
from bot.runners.buildkit.progress import ClientOutput
from bot.runners.buildkit.secret_files import in_memory
from bot.runners.lines import LogWriter, clean
from bot.runners.recipe import place

DIGEST = "containerimage.digest"


class BuildKitBuilder:
    """Implements `Builder` with `buildctl`. `accounts` are for base images and for the push."""

    def __init__(self, options: BuildKitOptions, *accounts: RegistryAccount) -> None:
        self._options = options
        self._accounts = accounts
        self._pushed: dict[str, str] = {}

    async def build(self, order: BuildOrder, log: Log) -> Built:
        """Build and push; see `Builder.build`. The image's id is its pinned reference.

        Raises also RetryLater(BUILDKIT_UNAVAILABLE), GiveUp(REGISTRY_DENIED | NOT_SUPPORTED).
        """
        with tempfile.TemporaryDirectory(prefix="chatops-buildkit-") as name:
            folder = Path(name)
            context = folder / "context"
            await asyncio.to_thread(place, order)
            await asyncio.to_thread(unpack, order.context, context)
            await asyncio.to_thread(self._log_in, folder)
            metadata = folder / "metadata.json"
            with in_memory(order.secrets) as files:
                command = build_command(order, self._options, context, metadata, files)
                await self._run(order, command, folder, tuple(files.values()), log)
            digest = await asyncio.to_thread(_digest, metadata)
        self._pushed[order.tag] = digest
        # Only the registry knows the image's size.
        return Built(f"{order.tag.rpartition(':')[0]}@{digest}", 0, ())

    async def push(self, tag: str, log: Log) -> str:  # noqa: ARG002 - there is nothing to log
        """Return the digest of what `build` has pushed; see `Builder.push`."""
        if tag not in self._pushed:
            raise RetryLater(Reason.BUILDKIT_UNAVAILABLE, {"message": f"{tag} was not built here"})
        return self._pushed.pop(tag)

    async def ping(self) -> str | None:
        """Return None when buildkitd answers, else what is wrong."""
        with tempfile.TemporaryDirectory(prefix="chatops-buildkit-") as name:
            async with started((*self._options.client, "debug", "workers"), Path(name)) as process:
                output = [clean(line.decode("utf-8", "replace")) async for line in process.lines()]
                code = await process.code()
        if code == 0:
            return None
        return next((line for line in reversed(output) if line), f"exit code {code}").removeprefix("error: ")

    async def _run(
        self, order: BuildOrder, command: tuple[str, ...], folder: Path, files: tuple[int, ...], log: Log
    ) -> None:
        writer, output = LogWriter(log), ClientOutput()
        async with started(command, folder, {"DOCKER_CONFIG": str(folder)}, files) as process:
            async for line in process.lines():
                writer.lines(output.feed(line))
                refuse_unlisted(output.fetched, order)
            if await process.code():
                raise output.failure(tag=order.tag, path=order.dockerfile)

    def _log_in(self, folder: Path) -> None:
        """Write the accounts to the client's configuration; buildkitd asks the client for them."""
        auths = {account.host: {"auth": _basic(account)} for account in self._accounts}
        file = folder / "config.json"
        file.touch(mode=0o600)
        file.write_text(json.dumps({"auths": auths}))


def _basic(account: RegistryAccount) -> str:
    return base64.b64encode(f"{account.username}:{account.password}".encode()).decode()


def _digest(metadata: Path) -> str:
    found: Any = json.loads(metadata.read_text(encoding="utf-8"))
    return str(found[DIGEST])
