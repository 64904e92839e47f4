"""The settings of what carries steps out, and of where images and names go."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from bot.settings.kinds import (
    NO_SECRET,
    STRICT,
    Address,
    Count,
    DurationOrNone,
    NameServer,
    Pair,
    Secret,
    Size,
    WebAddress,
)


@dataclass(frozen=True, slots=True)
class DockerSettings:
    """The engine that builds, deploys and tests, and what a container may use."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT

    enabled: bool = True
    """Whether there is an engine; without one, steps run on Kubernetes or Jenkins only."""
    host: str = ""
    """Engine, such as `unix:///var/run/docker.sock`; by default DOCKER_HOST, else the local socket."""
    instance: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,30}$")] = "chatops"
    """Name on everything that this bot makes in the engine; two bots on one engine need two."""
    build_network: Literal["default", "none"] = "default"
    """Network of RUN instructions; `none` cuts builds off."""
    memory_max: Size = "2g"
    """Most memory that a repository may ask for one container."""
    cpus: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 1.0
    """Processors that one container may use."""
    pids: Count = 512
    """Processes that one container may have."""
    subnet_pool: str = "10.213.0.0/16"
    """Range from which each environment gets a small network of its own."""
    firewall: bool = True
    """Whether to keep containers from the ports of this machine (iptables; needs root)."""


@dataclass(frozen=True, slots=True)
class KubernetesSettings:
    """The cluster for steps with `runner: kubernetes`, and what an environment may use there."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT

    enabled: bool = False
    """Whether there is a cluster to deploy and test in."""
    kubeconfig: Path | None = None
    """File with its address and credentials; by default those that the bot's own pod is given."""
    context: str = ""
    """Context of the kubeconfig; by default its current one."""
    instance: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,30}$")] = "chatops"
    """Name on everything that this bot makes in the cluster; two bots in one cluster need two."""
    namespace_prefix: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,19}$")] = "pr"
    """What the names of the environments' namespaces begin with."""
    ingress_class: str = ""
    """Class of the Ingresses; by default the cluster's."""
    ingress_annotations: tuple[Pair, ...] = ()
    """Annotations of the Ingresses, such as `cert-manager.io/cluster-issuer=internal`."""
    ingress_tls: bool = False
    """Whether the Ingresses ask for TLS."""
    ingress_tls_secret: str = ""
    """Secret with the certificate, as an issuer fills it; by default the controller's own certificate."""
    ingress_address: WebAddress = ""
    """Where the bot reaches the ingress controller, such as `http://10.0.0.5`; by default by the preview's
    own name."""
    ready_through: Literal["ingress", "service"] = "ingress"
    """What must answer before an environment counts as ready: its public name, or only its Service, where the
    bot cannot reach the controller."""
    ingress_namespace: tuple[Pair, ...] = ("kubernetes.io/metadata.name=ingress-nginx",)
    """Labels of the namespace whose pods may reach the environments: the ingress controller's."""
    ingress_cidrs: tuple[str, ...] = ()
    """Networks that may reach the environments besides, for a controller that uses the nodes' addresses."""
    egress_cidrs: tuple[str, ...] = ()
    """Networks that environments and tests may reach; by default only their own pods and DNS."""
    pod_security: Literal["restricted", "baseline"] = "restricted"
    """Pod Security level of the environments; `baseline` lets images run as root."""
    run_as_user: Annotated[int, Field(ge=1)] | None = None
    """User id of the containers, for images that name none; by default the image's own."""
    memory_max: Size = "2g"
    """Most memory that a repository may ask for one container."""
    cpus: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 1.0
    """Processors that one container may use."""
    quota_memory: Size = "8g"
    """Memory of one environment, its tests included."""
    quota_cpus: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 8.0
    """Processors of one environment, its tests included."""
    quota_pods: Count = 20
    """Pods of one environment, its tests included."""
    quota_storage: Size = "10g"
    """Volumes of one environment."""
    pull_username: str = ""
    """Account that only pulls images; by default the registry's, which its pods' nodes then use as well."""
    pull_password: Secret = NO_SECRET
    """Its password."""
    charts: tuple[str, ...] = ()
    """Patterns of addresses that `deploy.chart` may name, such as `oci://harbor.example.com/charts/*`; charts
    in the repository itself need none."""
    chart_values: tuple[str, ...] = ("*",)
    """Patterns of the values that `deploy.values` may set; a leading `!` forbids, and the last that matches
    counts."""
    chart_facts: tuple[Pair, ...] = (
        "image.repository=image.repository",
        "image.tag=image.tag",
        "image.digest=image.digest",
        "preview.host=host",
        "preview.number=number",
        "preview.sha=sha",
        "preview.environment=environment",
    )
    """What charts are told: the path of a value, and the fact that it gets."""
    collector_image: str = "busybox:1.36"
    """Image with sh, tar, gzip and base64 that takes test reports out of their pods."""
    sleep_after: DurationOrNone = "0"
    """How long nobody visits a preview before it is scaled to zero, to be woken by the next visit or `/wake`;
    `0` for never. Otherwise previews have no Ingresses of their own: their wildcard name must lead to the
    bot's proxy."""


@dataclass(frozen=True, slots=True)
class RegistrySettings:
    """Where images are pushed."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT

    kind: Literal["oci", "harbor"] = "oci"
    """How to talk to it: by the OCI distribution API alone, or by Harbor's own as well, which adds projects,
    scans and the deletion of single tags."""
    url: WebAddress = "http://127.0.0.1:5000"
    """Address of the registry."""
    project: str = "chatops"
    """First part of every image's name; in Harbor the project."""
    username: str = ""
    """Account that may push and delete, such as the robot account `robot$chatops`."""
    password: Secret = NO_SECRET
    """Its password."""
    insecure: bool = False
    """Whether to accept a certificate that cannot be verified."""
    scan_seconds: Annotated[int, Field(ge=0, le=3600)] = 60
    """How long to wait for Harbor's vulnerability scan of an image, which is asked for where none was begun;
    0 does neither."""
    fail_on: Literal["critical", "high", "medium", "low"] | None = None
    """Severity of a vulnerability from which an image is refused, as is one that was not scanned; by default
    none is refused. Needs Harbor with a scanner."""


@dataclass(frozen=True, slots=True)
class JenkinsSettings:
    """Jenkins whose jobs repositories may use as steps; none without `url`."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT

    url: WebAddress = ""
    """Address of Jenkins as the bot reaches it, its path included."""
    public_url: WebAddress = ""
    """Address that comments and pages link to; by default `url`."""
    user: str = ""
    """The bot's account, which may read, build and cancel the jobs."""
    token: Secret = NO_SECRET
    """Its API token."""
    password: Secret = NO_SECRET
    """Its password, where there is no token: needs a session and a crumb for every change."""
    insecure: bool = False
    """Whether to accept a certificate that cannot be verified."""
    jobs: tuple[str, ...] = ()
    """Patterns of the jobs that repositories may name, such as `{owner}/{name}/**`, where these stand for the
    repository's own; `!` excepts, and the last that matches counts. Without any, none may be used."""
    poll: Annotated[float, Field(ge=0.5, le=60, allow_inf_nan=False)] = 2.0
    """Seconds between two looks at a job."""
    queue_timeout: Annotated[int, Field(ge=10, le=86_400)] = 3600
    """Seconds that a job may wait in Jenkins' queue."""
    outage: Annotated[int, Field(ge=0, le=86_400)] = 900
    """Seconds that Jenkins may be away, as for a restart, before a job counts as interrupted."""


@dataclass(frozen=True, slots=True)
class BuildKitSettings:
    """The buildkitd for builds with `runner: kubernetes`; its client `buildctl` must be on the bot's PATH."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT

    address: Annotated[str, Field(pattern=r"^((tcp|unix)://\S+)?$")] = ""
    """Where it is, such as `tcp://buildkitd:1234` or `unix:///run/buildkit/buildkitd.sock`; without it
    nothing is built in the cluster."""
    tls_dir: Path | None = None
    """Folder with ca.pem, cert.pem and key.pem, by which the bot and a buildkitd behind TCP know each
    other."""
    cache: bool = False
    """Whether to keep what was built in the registry, in the tag `buildcache` of each repository, so that a
    new buildkitd does not begin from nothing."""
    network: Literal["default", "none"] = "default"
    """Network of RUN instructions; `none` cuts builds off."""


@dataclass(frozen=True, slots=True)
class DnsSettings:
    """How the names of previews are resolved; with a wildcard record nothing here is needed."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT

    address: Address = ""
    """Address that the names of previews lead to; `chatops dns coredns` writes it, `chatops doctor` expects
    it."""
    etcd: WebAddress = ""
    """Address of the etcd from which CoreDNS' etcd plugin serves the names; the bot then enters the name of
    each preview, with `address`, and takes it out again. Without it a wildcard record is expected."""
    etcd_path: Annotated[str, Field(pattern=r"^(/[A-Za-z0-9._-]+)+$")] = "/skydns"
    """Where in etcd the names are kept; CoreDNS is told the same."""
    servers: tuple[NameServer, ...] = ()
    """Resolvers that `chatops doctor` asks, such as `10.0.0.2` or `10.0.0.2:5353`; by default those of this
    machine."""
