"""Starts and stops the node: its parts one after the other, leaving nothing behind."""

import contextlib
import io
import json
import os
import shutil
import socket
import subprocess
import tarfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import docker
import docker.errors
import httpx
import machine
from machine import Background, SetUpError

from tests.cluster.local import programs, traces
from tests.cluster.local.addons import Folder, caddy_start
from tests.cluster.local.identities import ADMIN, make_keys, write_kubeconfigs
from tests.cluster.local.programs import NODE, PAUSE, Layout
from tests.cluster.local.watching import trust
from tests.real.parts import build_image

STATE = machine.STATE / "cluster"
LOGS = machine.STATE / "cluster-logs"
"""Where the logs of the node's parts stay when tests fail."""
BEFORE = STATE / "before.json"
POD = "io.kubernetes.pod.uid"
SANDBOX = "io.kubernetes.docker.type=podsandbox"
PAUSE_RECIPE = """\
FROM scratch
COPY busybox /
# As process 1 busybox ignores SIGTERM: every pod would take 10 s longer to stop.
STOPSIGNAL SIGKILL
ENTRYPOINT ["/busybox", "sleep", "2147483647"]
"""
PATIENCE = 120.0
"""Seconds that a part may take to start or to stop on a busy machine; the API server lets clients finish."""
PARTS = (
    *("addons", "caddy", "dnsmasq"),
    *("kubelet", "kube-proxy", "kube-scheduler", "kube-controller-manager", "kube-apiserver", "etcd"),
)
"""In the order in which they are stopped."""


def up(client: docker.DockerClient, binaries: Path) -> Path:
    """Start the node with empty state and return the administrator's kubeconfig. Raises SetUpError."""
    down(client)
    layout = _layout(client, binaries)
    check_alone(client, busy=any(_listens(*address) for address in layout.addresses))
    _remove_pods(client)
    STATE.mkdir(parents=True)
    traces.remember(BEFORE)
    _make_pause_image(client)
    _start_control_plane(layout)
    _start_node(layout)
    _start_addons(layout)
    return layout.keys.kubeconfig(ADMIN)


def down(client: docker.DockerClient) -> None:
    """Stop what an earlier `up` started, with its pods, and remove everything that they left."""
    if not STATE.exists():
        return
    for name in PARTS:
        Background(name, STATE).stop(PATIENCE)
    _remove_pods(client)
    with contextlib.suppress(docker.errors.ImageNotFound):
        client.images.remove(PAUSE, force=True)
    traces.remove_rules()
    traces.unmount(STATE)
    if BEFORE.exists():
        traces.restore(BEFORE)
    shutil.rmtree(STATE)


def keep_logs() -> Path:
    """Copy the logs of the parts out of the state that `down` removes, and return their folder."""
    shutil.rmtree(LOGS, ignore_errors=True)
    LOGS.mkdir(parents=True)
    for name in PARTS:
        log = Background(name, STATE).log
        if log.exists():
            shutil.copy(log, LOGS)
    return LOGS


def bridge(kubeconfig: Path) -> str:
    """Return the address of the API, the ingress and this machine for pods of our cluster."""
    server = json.loads(kubeconfig.read_text())["clusters"][0]["cluster"]["server"]
    return str(urlsplit(server).hostname)


def check_alone(client: docker.DockerClient, *, busy: bool) -> None:
    """Raise SetUpError while another kubelet uses the engine: each would remove the other's pods.

    Remains of an own node that was killed are ignored.
    """
    if busy:
        raise SetUpError(
            "A cluster of these tests is already running, or a part of one; perhaps that of another checkout."
        )
    sandboxes = client.api.containers(filters={"label": [POD, SANDBOX]})
    if any(found["Image"] != PAUSE for found in sandboxes):
        raise SetUpError(
            "This engine runs pods of another Kubernetes. Set KUBECONFIG to run the tests on that cluster."
        )


def _remove_pods(client: docker.DockerClient) -> None:
    for found in client.api.containers(all=True, filters={"label": POD}):
        client.api.remove_container(found["Id"], v=True, force=True)


def _layout(client: docker.DockerClient, binaries: Path) -> Layout:
    engine = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock")
    if not engine.startswith("unix://"):
        raise SetUpError(
            f"The kubelet needs an engine on this machine, not {engine}. Set KUBECONFIG instead."
        )
    options = client.networks.get("bridge").attrs["Options"]
    bridge = _address(options["com.docker.network.bridge.name"])
    return Layout(binaries, STATE, bridge, engine, client.info()["CgroupDriver"])


def _address(interface: str) -> str:
    """Return this machine's address on an interface; a newly started engine does not know it."""
    shown = subprocess.run(
        ["ip", "-json", "-4", "address", "show", interface], stdout=subprocess.PIPE, check=True
    )
    return str(json.loads(shown.stdout)[0]["addr_info"][0]["local"])


def _make_pause_image(client: docker.DockerClient) -> None:
    """Build the image of the container that holds a pod's network."""
    context = io.BytesIO()
    with tarfile.open(fileobj=context, mode="w") as archive:
        archive.add(Path(shutil.which("busybox") or "/bin/busybox").resolve(), "busybox")
        recipe = tarfile.TarInfo("Dockerfile")
        recipe.size = len(PAUSE_RECIPE)
        archive.addfile(recipe, io.BytesIO(PAUSE_RECIPE.encode()))
    context.seek(0)
    build_image(client, fileobj=context, custom_context=True, tag=PAUSE)


def _start_control_plane(layout: Layout) -> None:
    keys = layout.keys
    tokens = make_keys(keys)
    _start("etcd", programs.etcd(layout), lambda: _listens(*programs.address(programs.ETCD)))
    layout.audit_policy.write_text(json.dumps(programs.AUDIT_POLICY))
    # It creates its certificate before it listens.
    _start("kube-apiserver", programs.api_server(layout), lambda: _listens(layout.bridge, programs.API_PORT))
    write_kubeconfigs(keys, layout.server, tokens)
    _wait_for("kube-apiserver", lambda: _ask(layout, "/readyz"))


def _start_node(layout: Layout) -> None:
    _start("kube-controller-manager", programs.controller_manager(layout))
    _start("kube-scheduler", programs.scheduler(layout))
    _start("kube-proxy", programs.proxy(layout))
    _start("kubelet", programs.kubelet(layout), lambda: _is_ready(layout))
    account = "/api/v1/namespaces/default/serviceaccounts/default"
    _wait_for("kube-controller-manager", lambda: _ask(layout, account))


def _start_addons(layout: Layout) -> None:
    folder, address = Folder(STATE), layout.bridge
    folder.hosts.touch()
    folder.caddy_config.write_text(json.dumps(caddy_start(folder, address)))
    _start("dnsmasq", programs.dnsmasq(folder, address), folder.dns_pid.exists)
    _start("caddy", programs.caddy(folder), lambda: _listens(address, programs.INGRESS_PORT))
    feeding = programs.addons(layout.keys.kubeconfig(ADMIN), folder, address)
    _start("addons", feeding, lambda: "kubernetes.default" in folder.hosts.read_text())


def _start(name: str, command: list[str], ready: Callable[[], object] = lambda: True) -> None:
    # Caddy writes to its home, which must not be the user's.
    Background(name, STATE).start(*command, env={"HOME": str(STATE)})
    _wait_for(name, ready)


def _wait_for(name: str, ready: Callable[[], object]) -> None:
    until = time.monotonic() + PATIENCE
    part = Background(name, STATE)
    while part.runs() and time.monotonic() < until:
        if ready():
            return
        time.sleep(0.05)
    raise SetUpError(f"{name} was started and does not answer:\n\n{part.ending()}\n\nAll of it: {part.log}")


def _listens(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), timeout=1).close()
    except OSError:
        return False
    return True


def _ask(layout: Layout, path: str) -> Any:
    """Return the API's answer, or None while it does not answer."""
    config = json.loads(layout.keys.kubeconfig(ADMIN).read_text())
    authorization = {"Authorization": f"Bearer {config['users'][0]['user']['token']}"}
    trusted = trust(config["clusters"][0]["cluster"])
    try:
        answer = httpx.get(layout.server + path, headers=authorization, verify=trusted, timeout=5)
    except httpx.TransportError:
        return None
    return answer.text if answer.is_success else None


def _is_ready(layout: Layout) -> bool:
    found = _ask(layout, f"/api/v1/nodes/{NODE}")
    return found is not None and any(
        condition["type"] == "Ready" and condition["status"] == "True"
        for condition in json.loads(found)["status"].get("conditions", [])
    )
