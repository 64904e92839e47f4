"""Converts one service of a Compose file."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from bot.core.deciding.web_port import web_port
from bot.core.language.spelling import nearest
from bot.pipeline import messages as own_messages
from bot.pipeline.compose import messages, values
from bot.pipeline.compose.findings import Findings
from bot.pipeline.compose.images import is_foreign
from bot.pipeline.compose.model import COMPLETED, ComposeFile, EnvFile, Healthcheck, Port, Service, Words
from bot.pipeline.compose.mounts import Mounts
from bot.pipeline.compose.places import in_repository
from bot.pipeline.compose.project import Project
from bot.pipeline.yaml_tree import Path, Tree


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the conversion of a service knows of the others."""

    project: Project
    env: Mapping[str, str]
    """The variables of `.env`."""
    known: tuple[str, ...]
    """The services that others can wait for."""
    absent: frozenset[str]
    """Services that nothing waits for: those without their profile, and the deployed one, which is last."""


@dataclass(frozen=True, slots=True)
class Converter:
    """Converts one service; `deployed` if it becomes `deploy`."""

    name: str
    service: Service
    around: Surroundings
    found: Findings
    deployed: bool

    def convert(self, image: str | None, mounted: Mounts, aliases: Sequence[str]) -> None:
        """Put everything that the service says under `deploy` or `services`."""
        self.found.origins[self._prefix] = self._path()
        if image is not None:
            self._put(image, "image", self._path("build" if self.service.build is not None else "image"))
        self._environment()
        self._words("command", self.service.command)
        self._words("entrypoint", self.service.entrypoint)
        if self.service.working_dir:
            self._put(self.service.working_dir, "working_dir", self._path("working_dir"))
        self._put_list("aliases", [(alias, self._path()) for alias in aliases])
        self._health(self._port())
        self._memory()
        if not self.deployed:
            self._put_list("volumes", list(mounted.folders.items()))
        if not self.deployed and image is not None and is_foreign(image):
            for target, (source, path) in mounted.files.items():
                self._put(source, "files", path, target)
        self._dependencies()

    def _path(self, *parts: str | int) -> Path:
        return ("services", self.name, *parts)

    @property
    def _prefix(self) -> tuple[str, ...]:
        return ("deploy",) if self.deployed else ("services", values.label(self.name))

    def _put(self, value: Tree, key: str, origin: Path, *inner: str) -> None:
        self.found.put((*self._prefix, key, *inner), value, origin)

    def _put_list(self, key: str, items: Sequence[tuple[str, Path]]) -> None:
        if items:
            self._put([value for value, _ in items], key, items[0][1])
            for index, (_, origin) in enumerate(items):
                self.found.origins[(*self._prefix, key, index)] = origin

    def _environment(self) -> None:
        for file, path in env_paths(self.name, self.service):
            inside = in_repository(self.around.project.folder, file.path)
            found = self.around.project.variables(inside, self.around.env) if inside else None
            if found is None and (file.required or inside is None):
                self.found.wrong(path, own_messages.FILE_MISSING if inside else messages.ENV_FILE)
            for name, text in (found or {}).items():
                self._put(text, "env", path, name)
        for key, name, given in values.pairs(self.service.environment):
            value = self.around.env.get(name) if given is None else given
            if value is not None:
                self._put(value, "env", self._path("environment", key), name)

    def _words(self, key: str, value: Words) -> None:
        try:
            found = values.words(value)
        except ValueError:
            self.found.wrong(self._path(key), messages.COMMAND)
            return
        if found:
            self._put(list(found), key, self._path(key))
        elif key == "entrypoint" and value is not None:
            self.found.wrong(self._path(key), messages.NOT_EMPTY)

    def _port(self) -> int | None:
        """Put the port that others, or visitors, reach the service at."""
        published = list(self._ports("ports", self.service.ports or ()))
        exposed = list(self._ports("expose", self.service.expose or ()))
        places = dict(reversed((*published, *exposed)))
        shown = web_port([port for port, _ in published or exposed]) if self.deployed else None
        port = shown or next((port for port, _ in (*published, *exposed)), None)
        if port is not None:
            self._put(str(port), "port", places[port])
        elif not self.deployed and self.service.healthcheck is None and self.service.image:
            port = values.usual_port(self.service.image)
            if port is not None:
                self._put(str(port), "port", self._path("image"))
        return port

    def _ports(self, key: str, listed: Sequence[str | Port]) -> Iterator[tuple[int, Path]]:
        for index, one in enumerate(listed):
            path = self._path(key, index)
            try:
                port = values.port(one)
            except ValueError:
                self.found.wrong(path, messages.PORT)
                continue
            if port is not None:
                yield port, path

    def _health(self, port: int | None) -> None:
        command = values.health_command(self.service.healthcheck or Healthcheck())
        if not command:
            return
        path = self._path("healthcheck", "test")
        asked = values.asked_url(command)
        if not self.deployed:
            self._put(list(command), "health", path, "command")
        elif asked is not None and asked[0] == port:
            self._put(asked[1], "health", path, "path")

    def _memory(self) -> None:
        limits = (
            self.service.deploy.resources.limits
            if self.service.deploy and self.service.deploy.resources
            else None
        )
        if limits and limits.memory:
            self._put(limits.memory, "memory", self._path("deploy", "resources", "limits", "memory"))
        elif self.service.mem_limit:
            self._put(self.service.mem_limit, "memory", self._path("mem_limit"))

    def _dependencies(self) -> None:
        wanted = self.service.depends_on or ()
        places = list[tuple[str, Path]]()
        for index, name in enumerate(wanted):
            path = self._path("depends_on", name if isinstance(wanted, Mapping) else index)
            if self.deployed and name in self.around.absent:
                continue
            if isinstance(wanted, Mapping):
                self._condition(path, wanted[name].condition)
            if name in self.around.known:
                places.append((values.label(name), path))
            elif name not in self.around.absent:
                guess = nearest(name, self.around.known) or ""
                self.found.wrong(path, own_messages.unknown_service(self.around.known), guess)
        if not self.deployed:
            self._put_list("depends_on", places)

    def _condition(self, path: Path, condition: str) -> None:
        if condition == COMPLETED:
            self.found.wrong((*path, "condition"), messages.COMPLETED)
        elif condition not in {"service_started", "service_healthy"}:
            self.found.wrong((*path, "condition"), messages.CONDITION)


def env_paths(name: str, service: Service) -> Iterator[tuple[EnvFile, Path]]:
    """Yield the files with variables of a service, and where they are named."""
    path: Path = ("services", name, "env_file")
    if isinstance(service.env_file, str):
        yield EnvFile(service.env_file), path
        return
    for index, one in enumerate(service.env_file or ()):
        yield EnvFile(one) if isinstance(one, str) else one, (*path, index)


def env_files(compose: ComposeFile, project: Project) -> Iterator[str]:
    """Yield the paths in the repository of all files with variables."""
    for name, service in compose.services.items():
        for file, _ in env_paths(name, service):
            if (inside := in_repository(project.folder, file.path)) is not None:
                yield inside
