"""Turns the specification of a container into the engine's JSON, hardened by default. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal

from bot.core import sizes
from bot.model.secrets import SecretValue

MINIMUM_MEMORY = 6 * 2**20
"""Least memory that the engine accepts, in bytes."""

NO_CORE_FILE = {"Name": "core", "Soft": 1, "Hard": 1}
"""Limit of core files, in bytes: any would be larger, so that a process that crashes leaves none with its
secrets. With 0 the kernel would still start the program that a host may name in `core_pattern`."""

# The entry point of a database changes the owner of its data folder, then switches to that user.
# Web servers likewise start their workers as another user.
_CAPABILITIES = ("CHOWN", "DAC_OVERRIDE", "FOWNER", "SETGID", "SETUID")

_HEALTH_CHECKS = {"Interval": 1_000_000_000, "Timeout": 5_000_000_000, "Retries": 3}
"""Times in nanoseconds."""

Restricted = Literal["none", "untrusted", "all"]
"""Whose previews are restricted."""


class ContainerKind(StrEnum):
    """The role of a container, on which its hardening depends."""

    APP = "app"
    SERVICE = "service"
    SETUP = "setup"
    TESTS = "tests"


@dataclass(frozen=True, slots=True)
class ContainerLimits:
    """The operator's limits for each container."""

    memory: str = "2g"
    """The most that a repository may ask for."""
    cpus: float = 1.0
    pids: int = 512
    disk: int = 1 << 30
    """Bytes that a container may write to its root file system and its volumes."""
    log_size: str = "10m"
    tmp_size: str = "256m"
    restricted: Restricted = "untrusted"
    """Whose services under test are restricted, besides those that a repository restricts itself."""

    def restrict(self, *, trusted: bool) -> bool:
        """Return whether the service of a commit is restricted."""
        return self.restricted == "all" or (self.restricted == "untrusted" and not trusted)


@dataclass(frozen=True, slots=True)
class ContainerSpec:
    """One container of any kind."""

    kind: ContainerKind
    alias: str
    """Its name on the environment's network."""
    image: str
    network: str
    memory: str
    labels: Mapping[str, str]
    cpus: float | None = None
    """None means as many as the operator allows."""
    env: Mapping[str, str] = field(default_factory=dict)
    command: Sequence[str] = ()
    entrypoint: Sequence[str] = ()
    working_dir: str | None = None
    aliases: Sequence[str] = ()
    """Further names on the network."""
    health_command: Sequence[str] = ()
    """What its health check runs, instead of that of the image."""
    address: str | None = None
    restricted: bool = False
    """Whether its root file system is read-only, and it has no capabilities."""
    secrets: Sequence[SecretValue] = ()
    """Those for variables are set here; the engine shows them to everyone who may use it."""
    volumes_from: str = ""
    """Id of the container that holds its secrets in files; empty for none."""
    resolvers: Sequence[str] = ()
    """DNS servers outside that it asks; empty for none."""
    volumes: Sequence[str] = ()
    """Paths at which it has anonymous volumes, which the engine removes with it."""
    kept: Mapping[str, str] = field(default_factory=dict)
    """Names of volumes that outlive it, by their paths."""


def configuration(spec: ContainerSpec, limits: ContainerLimits) -> dict[str, Any]:
    """Return the body of `POST /containers/create`."""
    found: dict[str, Any] = {
        "Image": spec.image,
        "Hostname": spec.alias,
        "Env": [f"{name}={value}" for name, value in _variables(spec).items()],
        "Labels": dict(spec.labels),
        "HostConfig": host_configuration(spec, limits),
        "NetworkingConfig": {"EndpointsConfig": {spec.network: _endpoint(spec)}},
    }
    if spec.command:
        found["Cmd"] = list(spec.command)
    if spec.volumes:
        found["Volumes"] = {path: {} for path in spec.volumes}
    if spec.entrypoint:
        found["Entrypoint"] = list(spec.entrypoint)
    if spec.working_dir:
        found["WorkingDir"] = spec.working_dir
    if spec.health_command:
        found["Healthcheck"] = {"Test": ["CMD", *spec.health_command], **_HEALTH_CHECKS}
    return found


def host_configuration(spec: ContainerSpec, limits: ContainerLimits) -> dict[str, Any]:
    """Return the part of the body with limits and hardening."""
    memory = allowed_memory(spec.memory, limits.memory)
    return {
        "Memory": memory,
        # The same as Memory: no swap.
        "MemorySwap": memory,
        "NanoCpus": int(min(spec.cpus or limits.cpus, limits.cpus) * 1e9),
        "PidsLimit": limits.pids,
        "Ulimits": [NO_CORE_FILE],
        "ReadonlyRootfs": spec.restricted,
        "CapDrop": ["ALL"],
        "CapAdd": [] if spec.restricted or spec.kind is ContainerKind.TESTS else list(_CAPABILITIES),
        "SecurityOpt": ["no-new-privileges"],
        "Tmpfs": {"/tmp": f"rw,nosuid,nodev,size={limits.tmp_size},mode=1777"},  # noqa: S108 - inside the container
        "Init": True,
        "LogConfig": _log(spec.kind, limits),
        "NetworkMode": spec.network,
        # The engine's resolver then forwards from inside the container, where nothing answers. Otherwise it
        # would forward from the host, and names could carry data out (CVE-2024-29018).
        "Dns": list(spec.resolvers) or ["127.0.0.1"],
        "RestartPolicy": {"Name": "no"},
        "StorageOpt": {"size": str(limits.disk)},
        "Mounts": [{"Type": "volume", "Source": name, "Target": path} for path, name in spec.kept.items()],
        "VolumesFrom": [f"{spec.volumes_from}:ro"] if spec.volumes_from else [],
    }


def without_quota(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return the body without the size of the root file system, which most storage drivers do not support."""
    host = {name: value for name, value in body["HostConfig"].items() if name != "StorageOpt"}
    return {**body, "HostConfig": host}


def _log(kind: ContainerKind, limits: ContainerLimits) -> dict[str, Any]:
    if kind in {ContainerKind.SETUP, ContainerKind.TESTS}:
        # The output is read as it comes, and the container is removed right afterwards.
        return {"Type": "none", "Config": {}}
    return {"Type": "json-file", "Config": {"max-size": limits.log_size, "max-file": "1"}}


def allowed_memory(asked: str, most: str) -> int:
    """Return the memory of a container in bytes: as asked for, within the limits of operator and engine."""
    return max(MINIMUM_MEMORY, min(sizes.parse(asked), sizes.parse(most)))


def _variables(spec: ContainerSpec) -> dict[str, str]:
    return {**spec.env, **{one.variable: one.text for one in spec.secrets if one.variable}}


def _endpoint(spec: ContainerSpec) -> dict[str, Any]:
    found: dict[str, Any] = {"Aliases": [spec.alias, *spec.aliases]}
    if spec.address:
        found["IPAMConfig"] = {"IPv4Address": spec.address}
    return found
