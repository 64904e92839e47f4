"""The programs' command lines. All of them listen on loopback or on Docker's bridge."""

import sys
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from tests.cluster.local.addons import Folder
from tests.cluster.local.identities import Keys

PAUSE = "gitee-chatops-test-pause:1"
AUDIT_POLICY = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived"],
    "rules": [
        {"level": "None", "userGroups": ["system:serviceaccounts:kube-system", "system:nodes"]},
        {"level": "Metadata", "userGroups": ["system:serviceaccounts"]},
    ],
}
AUDIT_LOG = "audit.log"
SERVICES = "10.97.0.0/16"
NODE = "127.0.0.1"
ETCD, ETCD_PEER, API_PORT = "http://127.0.0.1:22379", "http://127.0.0.1:22380", 26443
INGRESS_PORT = 80
PREVIEW_DOMAIN = "preview.test"
"""The cluster's name server resolves every name below it to the ingress."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Paths and addresses of the parts."""

    binaries: Path
    state: Path
    bridge: str
    """The host's address on Docker's bridge, where pods and the host alike reach the API."""
    docker: str
    """Address of the engine."""
    cgroup_driver: str

    @property
    def server(self) -> str:
        """Address of the API."""
        return f"https://{self.bridge}:{API_PORT}"

    @property
    def addresses(self) -> list[tuple[str, int]]:
        """Addresses of the parts that another cluster would have too, and might share by mistake."""
        return [(self.bridge, API_PORT), address(ETCD), address(ETCD_PEER)]

    @property
    def keys(self) -> Keys:
        """Tokens and keys."""
        return Keys(self.state / "keys")

    @property
    def audit(self) -> Path:
        """The audit log, from which the tests compute the used rights."""
        return self.state / AUDIT_LOG

    @property
    def audit_policy(self) -> Path:
        """The audit policy."""
        return self.state / "audit-policy.json"

    def program(self, name: str, *flags: str) -> list[str]:
        """Return the command line of one of Kubernetes' programs."""
        return [str(self.binaries / name), *flags]

    def client(self, name: str, *flags: str) -> list[str]:
        """Return the command line of a program that is a client of the API."""
        return self.program(name, f"--kubeconfig={self.keys.kubeconfig(name)}", *flags)


def address(url: str) -> tuple[str, int]:
    """Return host and port of a URL."""
    parts = urlsplit(url)
    return str(parts.hostname), parts.port or 0


def etcd(layout: Layout) -> list[str]:
    """Return etcd's command line; its data lives as long as the tests, so writes need no fsync."""
    return [
        *("etcd", "--name=test", f"--data-dir={layout.state / 'etcd'}", "--unsafe-no-fsync"),
        *(f"--listen-client-urls={ETCD}", f"--advertise-client-urls={ETCD}"),
        *(f"--listen-peer-urls={ETCD_PEER}", f"--initial-advertise-peer-urls={ETCD_PEER}"),
        *(f"--initial-cluster=test={ETCD_PEER}", "--logger=zap", "--log-level=warn"),
    ]


def api_server(layout: Layout) -> list[str]:
    """Return the API server's command line, with RBAC; it creates a certificate for its address."""
    keys = layout.keys
    return layout.program(
        "kube-apiserver",
        *(f"--etcd-servers={ETCD}", f"--bind-address={layout.bridge}", f"--secure-port={API_PORT}"),
        *(f"--advertise-address={layout.bridge}", f"--cert-dir={keys.certificate.parent}"),
        *(f"--token-auth-file={keys.tokens}", "--anonymous-auth=false", "--authorization-mode=Node,RBAC"),
        *("--enable-admission-plugins=NodeRestriction", "--allow-privileged=false"),
        *(f"--audit-policy-file={layout.audit_policy}", f"--audit-log-path={layout.audit}"),
        f"--service-cluster-ip-range={SERVICES}",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-key-file={keys.service_accounts}",
        f"--service-account-signing-key-file={keys.service_accounts}",
        f"--kubelet-client-certificate={keys.to_kubelet.with_suffix('.crt')}",
        *(f"--kubelet-client-key={keys.to_kubelet}", "--kubelet-preferred-address-types=InternalIP"),
    )


def controller_manager(layout: Layout) -> list[str]:
    """Return the controller manager's command line; each controller has a service account, as is usual."""
    return layout.client(
        "kube-controller-manager",
        *("--leader-elect=false", "--port=0", "--secure-port=0", "--use-service-account-credentials"),
        f"--service-account-private-key-file={layout.keys.service_accounts}",
        f"--root-ca-file={layout.keys.certificate}",
        f"--flex-volume-plugin-dir={layout.state / 'plugins'}",
    )


def scheduler(layout: Layout) -> list[str]:
    """Return the scheduler's command line."""
    return layout.client("kube-scheduler", "--leader-elect=false", "--port=0", "--secure-port=0")


def kubelet(layout: Layout) -> list[str]:
    """Return the kubelet's command line: with Docker Engine it needs no network plugin and uses local images.

    It must start on machines with any swap, cgroup and disk configuration.
    """
    return layout.client(
        "kubelet",
        *(f"--hostname-override={NODE}", f"--address={NODE}", "--read-only-port=0"),
        *("--anonymous-auth=false", f"--client-ca-file={layout.keys.to_kubelet.with_suffix('.crt')}"),
        "--authorization-mode=AlwaysAllow",  # only the API server can connect
        *(f"--root-dir={layout.state / 'kubelet'}", f"--cert-dir={layout.state / 'kubelet-certificates'}"),
        *("--container-runtime=docker", f"--docker-endpoint={layout.docker}", "--network-plugin="),
        f"--experimental-dockershim-root-directory={layout.state / 'dockershim'}",
        f"--volume-plugin-dir={layout.state / 'plugins'}",
        *(f"--pod-infra-container-image={PAUSE}", f"--cgroup-driver={layout.cgroup_driver}"),
        *(f"--cluster-dns={layout.bridge}", "--cluster-domain=cluster.local"),
        *("--cgroups-per-qos=false", "--enforce-node-allocatable=", "--fail-swap-on=false"),
        *("--eviction-hard=", "--image-gc-high-threshold=100", "--oom-score-adj=0"),
        "--node-status-update-frequency=1s",
        # Newer versions' defaults; with the old ones, a tenth, the status of several pods is seconds late.
        *("--kube-api-qps=50", "--kube-api-burst=100", "--event-qps=50", "--event-burst=100"),
    )


def proxy(layout: Layout) -> list[str]:
    """Return kube-proxy's command line; it leaves the kernel's limits unchanged."""
    return layout.client(
        "kube-proxy",
        *(f"--hostname-override={NODE}", f"--bind-address={NODE}", "--proxy-mode=iptables"),
        *("--masquerade-all", "--iptables-min-sync-period=100ms", "--oom-score-adj=0"),
        *("--conntrack-max-per-core=0", "--conntrack-tcp-timeout-established=0"),
        "--conntrack-tcp-timeout-close-wait=0",
    )


def dnsmasq(folder: Folder, address: str) -> list[str]:
    """Return the name server's command line; it forwards unknown names to this machine's resolver."""
    return [
        *("dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--user=root", "--cache-size=0"),
        *(f"--listen-address={address}", "--bind-interfaces", "--except-interface=lo"),
        *("--no-hosts", f"--addn-hosts={folder.hosts}", f"--pid-file={folder.dns_pid}"),
        *("--local=/cluster.local/", f"--address=/{PREVIEW_DOMAIN}/{address}"),
    ]


def caddy(folder: Folder) -> list[str]:
    """Return the Ingress controller's command line."""
    return ["caddy", "run", "--config", str(folder.caddy_config)]


def addons(kubeconfig: Path, folder: Folder, address: str) -> list[str]:
    """Return the command line of `addons.py`, which runs in the root of the tree."""
    return [sys.executable, "-m", "tests.cluster.local.addons", str(kubeconfig), str(folder.path), address]
