"""The operator's options of the Kubernetes runner."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from bot.core.admission.images import ImagePolicy
from bot.model.account import RegistryAccount
from bot.runners.kubernetes.pure.field_rules import AllowList, PodSecurityLevel

ReadyThrough = Literal["ingress", "service"]


@dataclass(frozen=True, slots=True)
class Routing:
    """How visitors reach environments, and how the bot checks that they can."""

    ingress_class: str = ""
    annotations: Mapping[str, str] = field(default_factory=dict)
    tls: bool = False
    tls_secret: str = ""
    proxied: bool = False
    """Whether visitors come through the bot's own proxy; there are no Ingresses then."""
    ready_through: ReadyThrough = "ingress"
    address: str = ""
    """Where the bot reaches the Ingress controller, such as `http://10.0.0.5`; default: the public name."""
    namespace_labels: Mapping[str, str] = field(default_factory=dict)
    """Labels of the namespaces that may connect: the Ingress controller's."""
    cidrs: tuple[str, ...] = ()
    """Networks that may connect, for a controller on the nodes' own network."""

    @property
    def visited(self) -> bool:
        """Whether the bot checks readiness as a visitor does, through the environment's Ingress."""
        return self.ready_through == "ingress" and not self.proxied


@dataclass(frozen=True, slots=True)
class EnvironmentLimits:
    """Resource limits of one environment; memory, disk and storage in bytes."""

    memory: int = 2 << 30
    """Limit of one container."""
    cpu: str = "1"
    """Limit of one container."""
    quota_memory: int = 8 << 30
    quota_cpu: str = "8"
    disk: int = 2 << 30
    """Limit of one container outside of volumes: its own files, its logs and its pod's `emptyDir` volumes."""
    quota_disk: int = 32 << 30
    pods: int = 20
    storage: int = 10 << 30
    """All volumes that claims create."""


@dataclass(frozen=True, slots=True)
class DnsPeers:
    """The DNS servers that pods may ask: pods with these labels in namespaces with these, and addresses."""

    namespace_labels: Mapping[str, str] = field(
        default_factory=lambda: {"kubernetes.io/metadata.name": "kube-system"}
    )
    pod_labels: Mapping[str, str] = field(default_factory=lambda: {"k8s-app": "kube-dns"})
    cidrs: tuple[str, ...] = ()


CHART_FACTS: Mapping[str, str] = {
    "image.repository": "image.repository",
    "image.tag": "image.tag",
    "image.digest": "image.digest",
    "preview.host": "host",
    "preview.number": "number",
    "preview.sha": "sha",
    "preview.environment": "environment",
    "preview.secret": "secret",
}
"""The values that a chart receives: the path of each, and the fact that it is set to."""


@dataclass(frozen=True, slots=True)
class ChartPolicy:
    """Which charts and values are allowed, and which values the bot sets."""

    references: tuple[str, ...] = ()
    """Patterns of allowed addresses; charts in the repository need none."""
    values: tuple[str, ...] = ("*",)
    """Patterns of the values that a repository may set."""
    facts: Mapping[str, str] = field(default_factory=lambda: CHART_FACTS)


@dataclass(frozen=True, slots=True)
class KubernetesOptions:
    """All options. `instance` names this bot: it never touches objects of another instance."""

    instance: str
    prefix: str = "pr"
    routing: Routing = field(default_factory=Routing)
    limits: EnvironmentLimits = field(default_factory=EnvironmentLimits)
    level: PodSecurityLevel = "restricted"
    run_as_user: int | None = None
    egress: tuple[str, ...] = ()
    """Networks that pods may reach, besides each other and DNS."""
    dns: DnsPeers = field(default_factory=DnsPeers)
    allowed: AllowList = field(default_factory=AllowList)
    """What manifests and charts may contain in addition to the policy's tables."""
    images: ImagePolicy = field(default_factory=ImagePolicy)
    account: RegistryAccount | None = None
    charts: ChartPolicy = field(default_factory=ChartPolicy)
    collector: str = "busybox:1.36"
    """Image with sh, tar and base64 that returns test reports."""
