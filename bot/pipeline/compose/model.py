"""The part of the Compose Specification that previews use, as types for pydantic.

Values are text as written, after variables were replaced; keys that are ignored are removed before.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

STRICT: dict[str, Any] = {"extra": "forbid"}

COMPLETED = "service_completed_successfully"

Texts = tuple[str, ...]
Pairs = Mapping[str, str | None] | Texts | None
"""Names and values, or a list of `NAME=value`."""
Words = str | Texts | None
"""A command: a text that is split as a shell would, or its words."""


@dataclass(frozen=True, slots=True)
class Build:
    """How an image is built."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT

    context: str = "."
    dockerfile: str | None = None
    dockerfile_inline: str | None = None
    target: str | None = None
    args: Pairs = None


@dataclass(frozen=True, slots=True)
class Port:
    """A published port in the long form."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT

    target: str
    protocol: str = "tcp"


@dataclass(frozen=True, slots=True)
class Mount:
    """A volume in the long form."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT

    type: Literal["bind", "volume", "tmpfs", "cluster", "npipe", "image"]
    target: str
    source: str | None = None


@dataclass(frozen=True, slots=True)
class Healthcheck:
    """The command that says whether a container is healthy."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT

    test: Words = None
    disable: bool = False


@dataclass(frozen=True, slots=True)
class Dependency:
    """What must be true of a service before another one starts."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT

    condition: str = "service_started"
    required: bool = True


@dataclass(frozen=True, slots=True)
class EnvFile:
    """A file with variables."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT

    path: str
    required: bool = True


@dataclass(frozen=True, slots=True)
class Attachment:
    """How a service is part of a network."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT

    aliases: Texts | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    """The most that a container may use."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT

    memory: str | None = None


@dataclass(frozen=True, slots=True)
class Resources:
    """What a container may use."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT

    limits: Limits | None = None
    reservations: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Deployment:
    """Of `deploy`, only resources are used."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT

    resources: Resources | None = None


@dataclass(frozen=True, slots=True)
class Service:
    """A container."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT

    image: str | None = None
    build: str | Build | None = None
    command: Words = None
    entrypoint: Words = None
    container_name: str | None = None
    depends_on: Texts | Mapping[str, Dependency] | None = None
    deploy: Deployment | None = None
    env_file: str | tuple[str | EnvFile, ...] | None = None
    environment: Pairs = None
    expose: Texts | None = None
    healthcheck: Healthcheck | None = None
    links: Texts | None = None
    mem_limit: str | None = None
    networks: Texts | Mapping[str, Attachment | None] | None = None
    ports: tuple[str | Port, ...] | None = None
    profiles: Texts | None = None
    volumes: tuple[str | Mount, ...] | None = None
    working_dir: str | None = None


@dataclass(frozen=True, slots=True)
class ComposeFile:
    """All that is used of a file."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT

    services: Mapping[str, Service] = field(default_factory=dict)
    networks: Mapping[str, Any] | None = None
    volumes: Mapping[str, Any] | None = None
