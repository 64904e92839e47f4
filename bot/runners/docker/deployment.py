"""Starts one environment: its services, then the service under test, until all are healthy."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

from bot.core.admission.images import name_of
from bot.core.deciding.web_port import web_port
from bot.core.environments import startup
from bot.core.results.restrictions import BY_OPERATOR, restricted_by
from bot.model.environment import Endpoint
from bot.model.errors import TellUser
from bot.model.pipeline import SetupCommand
from bot.model.reason import Reason
from bot.ports import CopiedFile, EnvironmentSpec, ServiceSpec
from bot.runners import setup
from bot.runners.cleanup import uninterrupted
from bot.runners.docker.container import ContainerKind, ContainerLimits, ContainerSpec, configuration
from bot.runners.docker.containers import Containers
from bot.runners.docker.copied_files import copy_into
from bot.runners.docker.engine import EngineFault, EngineRefused
from bot.runners.docker.health import KILLED, Health, OverDisk, Readiness, unstartable
from bot.runners.docker.images import Images, exposed_ports
from bot.runners.docker.kept_volumes import Data
from bot.runners.docker.labels import LABEL_PORT
from bot.runners.docker.network import Network
from bot.runners.docker.one_off import OneOff
from bot.runners.docker.secret_files import SecretFiles, holder_of_secrets
from bot.runners.lines import LogWriter
from bot.runners.setup import SETUP, SHELL

APP = "app"
"""Host name of the service under test on its network."""
APP_FOR_BROWSERS = "app.internal"
"""Its host name for tests: browsers open every host in the top-level domain `app` only by HTTPS."""


@dataclass(frozen=True, slots=True)
class Deployment:
    """One attempt to start an environment."""

    spec: EnvironmentSpec
    network: Network
    limits: ContainerLimits
    images: Images
    containers: Containers
    secret_files: SecretFiles
    health: Health
    over_disk: OverDisk
    writer: LogWriter
    labels: Mapping[ContainerKind, Mapping[str, str]]
    data: Data
    """What outlives the deployment."""
    names: Callable[[str], str]
    """Returns the name of the container of a part such as `app`."""

    async def run(self) -> Endpoint:
        """Start all containers and return the endpoint; after an error the caller removes them."""
        named = {service.name: service for service in self.spec.services}
        started = dict[str, str]()
        try:
            for wave in startup.waves({name: service.depends_on for name, service in named.items()}):
                started |= await self._together([named[name] for name in wave])
            if self.spec.setup.commands:
                await self._set_up()
            app, port = await self._app()
        except TellUser:
            await self._check_started(started)
            raise
        await self._check_started(started)
        for container in (*started.values(), app):
            await self.containers.restart_always(container, unless_rebooted=self.spec.egress is not None)
        return self.network.endpoint(port)

    async def _check_started(self, started: Mapping[str, str]) -> None:
        """Raise the error of a service that has failed since it was ready, as a worker without a port may."""
        for name, container in started.items():
            found = await self.containers.find(container)
            if found and not found["State"]["Running"] and found["State"]["ExitCode"]:
                await self._explained(container, name, self.health.wait(container, name, Readiness(None), 1))

    async def _together(self, services: Sequence[ServiceSpec]) -> dict[str, str]:
        """Start services, then wait until all of them are ready; return their containers by name.

        Raises the first error.

        Only the waiting is concurrent: cancelling a start could leave a container behind.
        """
        started = [await self._service(service) for service in services]
        waiting = [
            asyncio.create_task(
                self._ready(
                    container,
                    service.name,
                    Readiness(service.port, service.health_path, http=service.name in self.network.services),
                    restricted=service.built and self._restricted,
                )
            )
            for container, service in zip(started, services, strict=True)
        ]
        try:
            await asyncio.gather(*waiting)
        finally:
            for task in waiting:
                task.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)
        return {service.name: container for service, container in zip(services, started, strict=True)}

    async def _service(self, service: ServiceSpec) -> str:
        container = replace(
            self._like_service(service, ContainerKind.SERVICE, service.name),
            command=service.command,
            entrypoint=service.entrypoint,
            aliases=service.aliases,
            health_command=service.health_command,
            volumes=() if self.spec.keeps_data else service.volumes,
            kept=self.data.volumes.get(service.name, {}),
            address=public.host if (public := self.network.services.get(service.name)) else None,
        )
        return await self._start(container, await self._image_of(service), service.files)

    async def _set_up(self) -> None:
        """Run the commands of the setup in containers like those of their services, under another name."""
        restricted = False

        async def execute(_: int, command: SetupCommand, writer: LogWriter) -> int:
            nonlocal restricted
            one_off = OneOff(SETUP, self.containers, writer, self.over_disk)
            async with self._prepares(command) as (spec, files):
                restricted = spec.restricted
                body = configuration(replace(spec, entrypoint=SHELL, command=(command.run,)), self.limits)
                async with one_off.created(self.names(spec.alias), body) as container:
                    if files:
                        await copy_into(self.containers, container, SETUP, files)
                    return await one_off.exit_code(container, self.spec.setup.timeout)

        try:
            await setup.run(self.spec.setup, self.writer, execute, new=self.data.new)
        except TellUser as error:
            raise self._by_operator(error, restricted=restricted) from error

    @asynccontextmanager
    async def _prepares(
        self, command: SetupCommand
    ) -> AsyncIterator[tuple[ContainerSpec, Sequence[CopiedFile]]]:
        """Provide what a command of the setup runs in: its container, without the volumes, and the files."""
        kind, alias = ContainerKind.SETUP, f"{APP}.{SETUP}"
        service = next((one for one in self.spec.services if one.name == command.service), None)
        plain = self._like_service(service, kind, alias) if service else self._like_app(kind, alias)
        image = await self._image_of(service) if service else await self._own_image()
        spec = await self._with_secrets(plain, image)
        try:
            yield spec, service.files if service else ()
        finally:
            if spec.volumes_from:
                await uninterrupted(self.containers.remove(spec.volumes_from))

    async def _app(self) -> tuple[str, int]:
        image = await self._own_image()
        port = self.spec.port or web_port(exposed_ports(image))
        if port is None:
            raise TellUser(Reason.NO_PORT)
        container = replace(
            self._like_app(ContainerKind.APP, APP),
            labels={**self.labels[ContainerKind.APP], LABEL_PORT: str(port)},
            command=self.spec.command,
            entrypoint=self.spec.entrypoint,
            working_dir=self.spec.working_dir,
            aliases=(APP_FOR_BROWSERS, *self.spec.aliases),
            address=self.network.address,
        )
        started = await self._start(container, image)
        wanted = Readiness(port, self.spec.health_path, http=self.spec.http)
        await self._ready(started, APP, wanted, restricted=container.restricted)
        return started, port

    async def _own_image(self) -> Mapping[str, Any]:
        pinned = self.spec.image.pinned
        return await self.images.ensure(pinned, self.writer, own=name_of(pinned))

    async def _image_of(self, service: ServiceSpec) -> Mapping[str, Any]:
        own = name_of(service.image if service.built else self.spec.image.pinned)
        return await self.images.ensure(service.image, self.writer, own=own)

    def _like_service(self, service: ServiceSpec, kind: ContainerKind, alias: str) -> ContainerSpec:
        return replace(
            self._like_app(kind, alias),
            image=service.image,
            memory=service.memory or self.spec.memory,
            env=service.env,
            working_dir=service.working_dir,
            restricted=service.built and self._restricted,
            secrets=service.secrets,
        )

    def _like_app(self, kind: ContainerKind, alias: str) -> ContainerSpec:
        return ContainerSpec(
            kind=kind,
            alias=alias,
            image=self.spec.image.pinned,
            network=self.network.name,
            resolvers=self.network.resolvers,
            memory=self.spec.memory,
            labels=self.labels[kind],
            env=self.spec.env,
            restricted=self._restricted,
            secrets=self.spec.secrets,
        )

    @property
    def _restricted(self) -> bool:
        """Whether the commit's own images run without capabilities, and write only to volumes."""
        return self.spec.restricted or self.limits.restrict(trusted=self.spec.trusted)

    async def _start(
        self, spec: ContainerSpec, image: Mapping[str, Any], files: Sequence[CopiedFile] = ()
    ) -> str:
        self.writer.line(f"starting {spec.alias} from {spec.image}")
        container = await self._create(await self._with_secrets(spec, image))
        if files:
            await copy_into(self.containers, container, spec.alias, files)
            self.writer.line(f"copied {len(files)} files into {spec.alias}")
        await self._explained(container, spec.alias, self._begin(container, spec.alias))
        return container

    async def _ready(self, container: str, name: str, wanted: Readiness, *, restricted: bool) -> None:
        """Wait until a started container is ready."""
        ready = self.health.wait(container, name, wanted, self.spec.health_timeout)
        try:
            await self._explained(container, name, ready)
        except TellUser as error:
            raise self._by_operator(error, restricted=restricted) from error
        self.writer.line(f"{name} is ready")

    def _by_operator(self, error: TellUser, *, restricted: bool) -> TellUser:
        """Return an error that names the operator's restriction, if that is why a container failed."""
        by_operator = restricted and self.limits.restrict(trusted=self.spec.trusted)
        return restricted_by(error, BY_OPERATOR) if by_operator else error

    async def _with_secrets(self, spec: ContainerSpec, image: Mapping[str, Any]) -> ContainerSpec:
        """Start what holds the container's secrets, and return the specification of one that reads them."""
        name = holder_of_secrets(self.names(spec.alias))
        # Its role is not that of the app: it serves nothing.
        marked = self.labels[ContainerKind.SERVICE]
        held = await self.secret_files.hold(name, spec.secrets, image, marked)
        return replace(spec, volumes_from=held)

    async def _create(self, spec: ContainerSpec) -> str:
        try:
            return await self.containers.create(self.names(spec.alias), configuration(spec, self.limits))
        except (EngineRefused, EngineFault) as error:
            raise unstartable(error, spec.alias) from error

    async def _begin(self, container: str, name: str) -> None:
        try:
            await self.containers.start(container)
        except (EngineRefused, EngineFault) as error:
            raise unstartable(error, name) from error

    async def _explained(self, container: str, name: str, doing: Awaitable[None]) -> None:
        """Add the last lines of the container's log to an error that it caused, and to the step's log."""
        try:
            await doing
        except TellUser as error:
            if error.facts.get("code") == str(KILLED):
                await self.over_disk.check(container, name)
            words = (await self.containers.tail(container), error.log)
            error.log = "\n".join(filter(None, words))
            self.writer.lines(error.log.splitlines())
            raise
