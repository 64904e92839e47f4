"""What the operator decides about environments in a cluster, as this runner takes it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from bot.model.account import RegistryAccount

PodSecurityLevel = Literal["restricted", "baseline"]
ReadyThrough = Literal["ingress", "service"]


@dataclass(frozen=True, slots=True)
class Routing:
    """How visitors come in, and how the bot finds out that they do."""

    ingress_class: str = ""
    annotations: Mapping[str, str] = field(default_factory=dict)
    tls: bool = False
    tls_secret: str = ""
    proxied: bool = False
    """Whether visitors come through the bot's own proxy: then there are no Ingresses."""
    ready_through: ReadyThrough = "ingress"
    address: str = ""
    """Where the bot reaches the ingress controller, such as `http://10.0.0.5`; by default the public name."""
    namespace_labels: Mapping[str, str] = field(default_factory=dict)
    """Labels of the namespaces that may come in: the controller's."""
    cidrs: tuple[str, ...] = ()
    """Addresses that may come in, for a controller on the nodes' own network."""

    @property
    def visited(self) -> bool:
        """Whether the bot finds out as a visitor does, through an Ingress of the environment's own."""
        return self.ready_through == "ingress" and not self.proxied


@dataclass(frozen=True, slots=True)
class EnvironmentLimits:
    """What one environment may use; memory in bytes."""

    memory: int = 2 << 30
    """Most of one container."""
    cpu: str = "1"
    """Most of one container."""
    quota_memory: int = 8 << 30
    quota_cpu: str = "8"
    pods: int = 20
    storage: int = 10 << 30


CHART_FACTS: Mapping[str, str] = {
    "image.repository": "image.repository",
    "image.tag": "image.tag",
    "image.digest": "image.digest",
    "preview.host": "host",
    "preview.number": "number",
    "preview.sha": "sha",
    "preview.environment": "environment",
}
"""What a chart is told: the path of a value, and the fact that it gets."""


@dataclass(frozen=True, slots=True)
class ChartPolicy:
    """Which charts there may be, and what they are told."""

    references: tuple[str, ...] = ()
    """Patterns of addresses; charts in the repository need none."""
    values: tuple[str, ...] = ("*",)
    """Patterns of the values that a repository may set."""
    facts: Mapping[str, str] = field(default_factory=lambda: CHART_FACTS)


@dataclass(frozen=True, slots=True)
class KubernetesOptions:
    """All of it. `instance` names this bot: what has another name is never touched."""

    instance: str
    prefix: str = "pr"
    routing: Routing = field(default_factory=Routing)
    limits: EnvironmentLimits = field(default_factory=EnvironmentLimits)
    level: PodSecurityLevel = "restricted"
    run_as_user: int | None = None
    egress: tuple[str, ...] = ()
    """Networks that pods may reach beside each other and DNS."""
    account: RegistryAccount | None = None
    charts: ChartPolicy = field(default_factory=ChartPolicy)
    collector: str = "busybox:1.36"
    """Image with sh, tar and base64 that takes test reports out."""
