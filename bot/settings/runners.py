"""The settings of runners, registry, BuildKit and DNS."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from bot.core.admission.builds import FRONTENDS
from bot.settings.kinds import (
    NO_SECRET,
    Address,
    Count,
    DurationOrNone,
    NameServer,
    Pair,
    Port,
    Secret,
    Size,
    WebAddress,
    section,
)


@section
@dataclass(frozen=True, slots=True)
class DockerSettings:
    """The Docker Engine that builds, deploys and tests, and the limits of its containers."""

    enabled: bool = True
    """Whether to use a Docker Engine; without one, steps run on Kubernetes or Jenkins only."""
    host: str = ""
    """Address of the engine, such as `unix:///var/run/docker.sock`; by default DOCKER_HOST, otherwise the
    local socket. All replicas need the same engine: previews that it does not have count as removed."""
    instance: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,30}$")] = "chatops"
    """Name on everything that this bot creates in the engine; two bots on one engine need different names."""
    build_network: Literal["default", "none"] = "default"
    """Network of RUN instructions; `none` builds without network access."""
    build_ports: Annotated[tuple[Port, ...], Field(max_length=15)] = (53,)
    """Ports of this machine that RUN instructions may reach although `firewall` is set, such as that of a
    package mirror; 53 is DNS."""
    memory_max: Size = "2g"
    """Largest amount of memory that a repository may request for one container."""
    cpus: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 1.0
    """CPUs that one container may use."""
    pids: Count = 512
    """Processes that one container may have."""
    disk_max: Size = "1g"
    """How much one container may write to its root file system and to volumes of its own; with more, it is
    stopped within seconds."""
    restricted: Literal["none", "untrusted", "all"] = "untrusted"
    """Whose previews run without capabilities and with a read-only root file system, except `/tmp` and their
    volumes: those of outside contributors (`untrusted`), `all` or `none`. A repository can set
    `deploy.restricted` for its own."""
    subnet_pool: str = "10.213.0.0/16"
    """Address range from which each environment gets a small network of its own."""
    firewall: bool = True
    """Whether to block previews from the ports of this machine and, with `build_network = "default"`,
    everything on the engine's default bridge from these ports and from the metadata services of clouds
    (169.254.0.0/16 and 100.100.100.200), with iptables, which needs root. Ports that other containers publish
    remain reachable from builds."""


@section
@dataclass(frozen=True, slots=True)
class KubernetesSettings:
    """The cluster for steps with `runner: kubernetes`, and the limits of its environments."""

    enabled: bool = False
    """Whether to deploy and test in a cluster."""
    kubeconfig: Path | None = None
    """File with the cluster's address and credentials; by default the service account of the bot's own
    pod."""
    context: str = ""
    """Context of the kubeconfig; by default the current one."""
    instance: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,30}$")] = "chatops"
    """Name on everything that this bot creates in the cluster; two bots in one cluster need different
    names."""
    namespace_prefix: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,19}$")] = "pr"
    """Prefix of the names of the environments' namespaces."""
    ingress_class: str = ""
    """Class of the Ingresses; by default the cluster's default class."""
    ingress_annotations: tuple[Pair, ...] = ()
    """Annotations of the Ingresses, such as `cert-manager.io/cluster-issuer=internal`."""
    ingress_tls: bool = False
    """Whether the Ingresses request TLS."""
    ingress_tls_secret: str = ""
    """Secret with the certificate, which an issuer writes; by default the Ingress controller's own
    certificate is used."""
    ingress_address: WebAddress = ""
    """Address at which the bot reaches the Ingress controller, such as `http://10.0.0.5`; by default the
    preview's own hostname."""
    ready_through: Literal["ingress", "service"] = "ingress"
    """What must answer before an environment is ready: its public hostname (ingress), or only its Service,
    for a bot that cannot reach the Ingress controller (service)."""
    ingress_namespace: tuple[Pair, ...] = ("kubernetes.io/metadata.name=ingress-nginx",)
    """Labels of the Ingress controller's namespace; its pods may reach the environments."""
    ingress_cidrs: tuple[str, ...] = ()
    """Further networks that may reach the environments, for an Ingress controller that uses the addresses of
    the nodes."""
    egress_cidrs: tuple[str, ...] = ()
    """Networks that environments and tests may reach; by default only their own pods and DNS."""
    dns_namespace: tuple[Pair, ...] = ("kubernetes.io/metadata.name=kube-system",)
    """Labels of the namespace of the cluster's DNS servers."""
    dns_pods: tuple[Pair, ...] = ("k8s-app=kube-dns",)
    """Labels of the DNS servers' pods; environments may ask only these, and `dns_cidrs`, on port 53."""
    dns_cidrs: tuple[str, ...] = ()
    """Further addresses of DNS servers, such as `169.254.20.10/32` for a NodeLocal DNSCache."""
    pod_security: Literal["restricted", "baseline"] = "restricted"
    """Pod Security level of the environments; `baseline` allows images to run as root."""
    allowed_annotations: tuple[str, ...] = ()
    """Patterns of annotations that manifests and charts may have in addition to the common ones, such as
    `nginx.ingress.kubernetes.io/cors-*`; a leading `!` forbids, and the last match decides."""
    allowed_labels: tuple[str, ...] = ()
    """Patterns of labels that manifests and charts may have in addition to the common ones."""
    storage_classes: tuple[str, ...] = ()
    """Storage classes that manifests and charts may choose; others are replaced by the cluster's default."""
    run_as_user: Annotated[int, Field(ge=1)] | None = None
    """User id of the containers, for images that set none; by default the image's own user."""
    memory_max: Size = "2g"
    """Largest amount of memory that a repository may request for one container."""
    cpus: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 1.0
    """CPUs that one container may use."""
    quota_memory: Size = "8g"
    """Memory of one environment, including its tests."""
    quota_cpus: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 8.0
    """CPUs of one environment, including its tests."""
    disk_max: Size = "2g"
    """Disk space of one container outside of volumes: its own files, its logs and its `emptyDir` volumes."""
    quota_disk: Size = "32g"
    """Disk space of one environment outside of volumes, including its tests."""
    quota_pods: Count = 20
    """Pods of one environment, including its tests."""
    quota_storage: Size = "10g"
    """Storage of all volumes of one environment."""
    pull_username: str = ""
    """Account that only pulls images; by default the account of `[registry]`, which the cluster's nodes then
    use too."""
    pull_password: Secret = NO_SECRET
    """Password of this account."""
    charts: tuple[str, ...] = ()
    """Patterns of the addresses that `deploy.chart` may use, such as `oci://harbor.example.com/charts/*`;
    charts in the repository itself are always allowed."""
    chart_values: tuple[str, ...] = ("*",)
    """Patterns of the values that `deploy.values` may set; a leading `!` forbids, and the last match
    decides."""
    chart_facts: tuple[Pair, ...] = (
        "image.repository=image.repository",
        "image.tag=image.tag",
        "image.digest=image.digest",
        "preview.host=host",
        "preview.number=number",
        "preview.sha=sha",
        "preview.environment=environment",
        "preview.secret=secret",
    )
    """Values that the bot sets in charts, as `path=fact`: the path of the value and the fact that it
    receives."""
    collector_image: str = "busybox:1.36"
    """Image with sh, tar, gzip and base64 that copies test reports out of their pods."""
    sleep_after: DurationOrNone = "0"
    """How long a preview has no visitors before it is scaled to zero; the next visit or `/wake` wakes it. `0`
    for never. With any other value previews have no Ingresses of their own, and the wildcard DNS record must
    point to the bot's preview proxy."""


@section
@dataclass(frozen=True, slots=True)
class BuildSettings:
    """What the engine itself may fetch for a build, which no network setting of builds limits."""

    frontends: tuple[str, ...] = FRONTENDS
    """Patterns of the images that a Dockerfile may name in `# syntax=`; they run with network access."""
    addresses: tuple[str, ...] = ()
    """Patterns of the addresses that `ADD` may fetch, such as `https://dl.example.com/*`; a leading `!`
    excludes, and the last match decides. By default `ADD` reads only the build context."""


@section
@dataclass(frozen=True, slots=True)
class RegistrySettings:
    """The registry that images are pushed to."""

    kind: Literal["oci", "harbor"] = "oci"
    """API of the registry: the OCI distribution API only, or also Harbor's, which adds projects,
    vulnerability scans and the deletion of single tags."""
    url: WebAddress = "http://127.0.0.1:5000"
    """Address of the registry."""
    project: str = "chatops"
    """First part of every image name; in Harbor, the project."""
    username: str = ""
    """Account that may push and delete, such as the robot account `robot$chatops`."""
    password: Secret = NO_SECRET
    """Password of this account."""
    bases: tuple[str, ...] = ()
    """Patterns of the images that every repository may use as base image, as service or in manifests, and
    that the bot's accounts may pull, such as `harbor.example.com/base/*`; a leading `!` excludes, and the
    last match decides. Other images of this registry can be used only by the repository that they belong
    to."""
    insecure: bool = False
    """Whether to accept certificates that cannot be verified."""
    scan_seconds: Annotated[int, Field(ge=0, le=3600)] = 60
    """Seconds to wait for Harbor's vulnerability scan of an image, which the bot starts if Harbor has not; 0
    to do neither."""
    fail_on: Literal["critical", "high", "medium", "low"] | None = None
    """Refuse images with a vulnerability of this severity or a higher one, and images that were not scanned;
    by default no image is refused. Needs Harbor with a scanner."""


@section
@dataclass(frozen=True, slots=True)
class JenkinsSettings:
    """A Jenkins whose jobs repositories may use as steps; unused without `url`."""

    url: WebAddress = ""
    """Address at which the bot reaches Jenkins, including the path."""
    public_url: WebAddress = ""
    """Address in the links of comments and pages; by default `url`."""
    user: str = ""
    """The bot's account, which may read, build and cancel the jobs."""
    token: Secret = NO_SECRET
    """API token of this account."""
    password: Secret = NO_SECRET
    """Password of this account, if there is no token; every change then needs a session and a crumb."""
    insecure: bool = False
    """Whether to accept certificates that cannot be verified."""
    jobs: tuple[str, ...] = ()
    """Patterns of the jobs that repositories may use, such as `{owner}/{name}/**`, where the placeholders
    stand for the repository's own owner and name; `!` excludes, and the last match decides. By default no job
    is allowed."""
    poll: Annotated[float, Field(ge=0.5, le=60, allow_inf_nan=False)] = 2.0
    """Seconds between two queries for the state of a job."""
    queue_timeout: Annotated[int, Field(ge=10, le=86_400)] = 3600
    """Seconds that a job may wait in the queue of Jenkins."""
    outage: Annotated[int, Field(ge=0, le=86_400)] = 900
    """Seconds that Jenkins may be unavailable, for example while it restarts, before a job counts as
    interrupted."""


@section
@dataclass(frozen=True, slots=True)
class BuildKitSettings:
    """The buildkitd for builds with `runner: kubernetes`; its client `buildctl` must be on the bot's PATH."""

    address: Annotated[str, Field(pattern=r"^((tcp|unix)://\S+)?$")] = ""
    """Address of buildkitd, such as `tcp://buildkitd:1234` or `unix:///run/buildkit/buildkitd.sock`; by
    default nothing is built in the cluster."""
    tls_dir: Path | None = None
    """Directory with ca.pem, cert.pem and key.pem, with which the bot and a buildkitd on TCP authenticate
    each other."""
    cache: bool = False
    """Whether to store the build cache in the registry, so that a new buildkitd does not start from scratch:
    in the tag `buildcache` of each repository, and for approved commits of outside contributors in a tag of
    their pull request."""
    network: Literal["default", "none"] = "default"
    """Network of RUN instructions; `none` builds without network access."""


@section
@dataclass(frozen=True, slots=True)
class DnsSettings:
    """How the hostnames of previews resolve; not needed with a wildcard record."""

    address: Address = ""
    """Address that the hostnames of previews resolve to; `chatops dns coredns` writes it, `chatops doctor`
    expects it."""
    etcd: WebAddress = ""
    """Address of the etcd that CoreDNS' etcd plugin reads; the bot then publishes the hostname of each
    preview with `address` there, and withdraws it after the teardown. By default a wildcard record is
    expected."""
    etcd_path: Annotated[str, Field(pattern=r"^(/[A-Za-z0-9._-]+)+$")] = "/skydns"
    """Path of the hostnames in etcd; it must match the configuration of CoreDNS."""
    servers: tuple[NameServer, ...] = ()
    """DNS servers that `chatops doctor` queries, such as `10.0.0.2` or `10.0.0.2:5353`; by default the
    resolvers of this machine."""
