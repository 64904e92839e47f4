"""Opens the cluster that the settings name; a separate module, because the client takes 20 MB of memory."""

from collections.abc import Iterable
from urllib.parse import urlsplit

from bot.app import values
from bot.core import sizes
from bot.model.account import RegistryAccount
from bot.ports import Sandbox
from bot.runners.kubernetes.chart_pull import ChartRegistry
from bot.runners.kubernetes.cluster import Cluster, ClusterAccess
from bot.runners.kubernetes.helm import Helm
from bot.runners.kubernetes.options import (
    ChartPolicy,
    DnsPeers,
    EnvironmentLimits,
    KubernetesOptions,
    Routing,
)
from bot.runners.kubernetes.platform import KubernetesPlatform
from bot.runners.kubernetes.pure.field_rules import AllowList
from bot.runners.kubernetes.secret_source import reader
from bot.secrets.sources import ReadCluster
from bot.settings.model import KubernetesSettings, Settings


def open_cluster(settings: Settings, sandbox: Sandbox) -> tuple[Cluster, KubernetesPlatform]:
    """Return the cluster, which the caller closes, and its platform, without connecting yet."""
    chosen = settings.kubernetes
    access = ClusterAccess(chosen.kubeconfig, chosen.context)
    home = settings.server.data_dir / "helm"
    home.mkdir(parents=True, exist_ok=True)
    cluster = Cluster(access)
    helm = Helm(access, home, charts_from(settings))
    return cluster, KubernetesPlatform(cluster, options(settings), helm, sandbox)


def open_secret_source(settings: Settings) -> tuple[Cluster, ReadCluster]:
    """Return a cluster, which the caller closes, and what reads the operator's secrets in it."""
    cluster = Cluster(ClusterAccess(settings.kubernetes.kubeconfig, settings.kubernetes.context))
    return cluster, reader(cluster)


def options(settings: Settings) -> KubernetesOptions:
    """Return the runner's options."""
    chosen = settings.kubernetes
    return KubernetesOptions(
        instance=chosen.instance,
        prefix=chosen.namespace_prefix,
        routing=_routing(chosen),
        limits=EnvironmentLimits(
            memory=sizes.parse(chosen.memory_max),
            cpu=f"{chosen.cpus:g}",
            quota_memory=sizes.parse(chosen.quota_memory),
            quota_cpu=f"{chosen.quota_cpus:g}",
            disk=sizes.parse(chosen.disk_max),
            quota_disk=sizes.parse(chosen.quota_disk),
            pods=chosen.quota_pods,
            storage=sizes.parse(chosen.quota_storage),
        ),
        level=chosen.pod_security,
        run_as_user=chosen.run_as_user,
        egress=chosen.egress_cidrs,
        dns=DnsPeers(_pairs(chosen.dns_namespace), _pairs(chosen.dns_pods), chosen.dns_cidrs),
        allowed=AllowList(chosen.allowed_annotations, chosen.allowed_labels, chosen.storage_classes),
        images=values.build_policy(settings).images,
        account=_pull_account(settings),
        collector=chosen.collector_image,
        charts=ChartPolicy(chosen.charts, chosen.chart_values, _pairs(chosen.chart_facts)),
    )


def charts_from(settings: Settings) -> ChartRegistry:
    """Return the registry from which the bot pulls charts with its own account."""
    chosen = settings.registry
    return ChartRegistry(
        urlsplit(chosen.url).netloc,
        plain=chosen.url.startswith("http://"),
        verify=not chosen.insecure,
        username=chosen.username,
        password=chosen.password.get_secret_value(),
    )


def _routing(chosen: KubernetesSettings) -> Routing:
    return Routing(
        ingress_class=chosen.ingress_class,
        annotations=_pairs(chosen.ingress_annotations),
        tls=chosen.ingress_tls,
        tls_secret=chosen.ingress_tls_secret,
        proxied=chosen.sleep_after != "0",
        ready_through=chosen.ready_through,
        address=chosen.ingress_address,
        namespace_labels=_pairs(chosen.ingress_namespace),
        cidrs=chosen.ingress_cidrs,
    )


def _pull_account(settings: Settings) -> RegistryAccount | None:
    chosen = settings.kubernetes
    if not chosen.pull_username:
        return values.registry_account(settings)
    host = urlsplit(settings.registry.url).netloc
    return RegistryAccount(host, chosen.pull_username, chosen.pull_password.get_secret_value())


def _pairs(texts: Iterable[str]) -> dict[str, str]:
    return {name: value for name, _, value in (text.partition("=") for text in texts)}
