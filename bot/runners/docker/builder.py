"""Builds and pushes images with the engine's BuildKit; cancelling closes the response, which stops the build.

Every supported engine has BuildKit (Docker 20.10 and newer), so the classic builder is not used.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, nullcontext
from pathlib import Path

from bot.core.admission.images import name_of
from bot.core.naming import LABEL_INSTANCE
from bot.model.reason import Reason
from bot.ports import BuildOrder, Built, Log, Sandbox
from bot.runners.build_failure import classify, refused
from bot.runners.build_isolation import cache_host, refuse_unlisted
from bot.runners.docker.build_messages import BuildMessages
from bot.runners.docker.build_session import BuildSession, opened
from bot.runners.docker.container import NO_CORE_FILE
from bot.runners.docker.context import chunks, filtered
from bot.runners.docker.credentials import Credentials
from bot.runners.docker.engine import DockerEngine, EngineFault, EngineRefused
from bot.runners.docker.engine_space import EngineSpace
from bot.runners.docker.firewall import Firewall, Mode, Rule, build_rules
from bot.runners.docker.images import Images, exposed_ports
from bot.runners.lines import LogWriter
from bot.runners.recipe import place

BUILDKIT = "2"
"""Value of the parameter `version` that selects BuildKit."""
SWITCHED_OFF = "buildkit is not enabled"
"""Part of the error of an engine whose `daemon.json` has `"features": {"buildkit": false}`."""


class DockerBuilder:
    """The `Builder` of one engine.

    `network` is what RUN instructions reach: with `default` whatever the engine's default bridge reaches,
    less what the firewall blocks except for `ports`, with `none` nothing.
    """

    def __init__(
        self,
        engine: DockerEngine,
        sandbox: Sandbox,
        *,
        instance: str,
        credentials: Credentials | None = None,
        network: str = "default",
        space: EngineSpace | None = None,
        ports: Sequence[int] = (),
        firewall: Mode = "off",
    ) -> None:
        self._engine = engine
        self._instance = instance
        self._images = Images(engine, credentials or Credentials())
        self._network = network
        self._sandbox = sandbox
        self._space = space
        self._ports = ports
        self._mode: Mode = firewall if network != "none" else "off"
        self._firewall: Firewall | None = None

    async def build(self, order: BuildOrder, log: Log) -> Built:
        """Build; see `Builder.build`."""
        await asyncio.to_thread(place, order)
        await self._block_host_ports(log)
        guarded = self._space.guarded() if self._space else nullcontext()
        async with (
            filtered(order.context, order.dockerfile, self._sandbox) as context,
            guarded,
            self._session(order) as session,
        ):
            image = await self._build(order, context, session, LogWriter(log))
        found = await self._images.inspect(image)
        if found is None:
            raise EngineFault("the image is missing after its build")
        return Built(str(found["Id"]), int(found["Size"]), exposed_ports(found))

    async def push(self, tag: str, log: Log) -> str:
        """Push; see `Builder.push`."""
        return await self._images.push(tag, LogWriter(log))

    async def firewall(self) -> Firewall:
        """Return what keeps builds from the host. Raises RetryLater(ENGINE_UNAVAILABLE)."""
        if self._firewall is None:
            self._firewall = Firewall(self._instance, await self._rules(), self._mode, "builds")
        return self._firewall

    async def _block_host_ports(self, log: Log) -> None:
        if problem := await (await self.firewall()).ensure():
            log.note(f"RUN instructions can reach this host's own ports: {problem}")

    async def _rules(self) -> Sequence[Rule]:
        if self._mode == "off":
            return ()
        try:
            bridge = await self._engine.get("/networks/bridge")
        except EngineRefused:
            # An engine without a default bridge has no network for builds either.
            return ()
        name = (bridge.get("Options") or {}).get("com.docker.network.bridge.name", "docker0")
        return build_rules(self._ports, name)

    async def _build(
        self, order: BuildOrder, context: Path, session: BuildSession | None, writer: LogWriter
    ) -> str:
        """Build, and try again whenever the engine could pull a base image that BuildKit could not load.

        BuildKit asks its client's session for registry accounts by the registry's host. The bot's accounts
        are entrusted by image, as the engine's own pull takes them, so a session gives none. Without a
        session BuildKit fails even where an anonymous token would do ("no active sessions",
        https://github.com/moby/buildkit/pull/6744).
        """
        pulled: set[str] = set()
        while True:
            messages = await self._attempt(order, context, session, writer)
            failure = messages.failure
            if failure is None:
                return messages.image or order.tag
            writer.line(failure.message)
            if session and session.lost:
                raise EngineFault("the session of the build was lost")
            if not failure.image or failure.image in pulled:
                raise classify(failure, path=order.dockerfile)
            pulled.add(failure.image)
            missing = Reason.BASE_IMAGE_MISSING
            await self._images.ensure(failure.image, writer, own=name_of(order.tag), missing=missing)

    async def _attempt(
        self, order: BuildOrder, context: Path, session: BuildSession | None, writer: LogWriter
    ) -> BuildMessages:
        messages = BuildMessages()
        try:
            async with self._engine.open(
                "POST",
                "/build",
                params=self._parameters(order) | ({"session": session.name} if session else {}),
                data=chunks(context),
                headers={"Content-Type": "application/x-tar"},
            ) as response:
                async for message in self._engine.messages(response):
                    writer.lines(messages.feed(message))
                    refuse_unlisted(messages.fetched, order)
        except (EngineRefused, EngineFault) as error:
            refusal = refused(error.message, error.status, order.dockerfile)
            if refusal is None or SWITCHED_OFF in error.message:
                raise
            writer.line(error.message)
            raise refusal from error
        if session:
            missing = sorted(session.answers.missing)
            writer.lines([f"this build does not get the secret {name}" for name in missing])
        return messages

    @asynccontextmanager
    async def _session(self, order: BuildOrder) -> AsyncIterator[BuildSession | None]:
        """Provide a session for a build that mounts secrets, also if it gets none: else the mount fails."""
        if not order.secrets and b"type=secret" not in (order.text or b"").lower():
            yield None
            return
        async with opened(self._engine, order.secrets) as session:
            yield session

    def _parameters(self, order: BuildOrder) -> dict[str, str]:
        found = {
            "version": BUILDKIT,
            "t": order.tag,
            "dockerfile": order.dockerfile,
            "buildargs": json.dumps(dict(order.args)),
            "labels": json.dumps({**order.labels, LABEL_INSTANCE: self._instance}),
            "networkmode": self._network,
            # Docker 20.10 ignores this limit in builds with BuildKit; newer engines apply it.
            "ulimits": json.dumps([NO_CORE_FILE]),
        }
        if order.target:
            found["target"] = order.target
        if host := cache_host(order):
            found["extrahosts"] = ":".join(host)
        return found
