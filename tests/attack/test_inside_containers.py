"""What hostile code in a preview and in a test container tries, with the real engine.

Each attempt is a shell command that succeeds only if the attack does. One container of each kind makes all of
them. A container with more rights shows that those of `CONTROLLED` would succeed there.
"""

import asyncio
import contextlib
import ipaddress
import socket
import socketserver
import threading
import uuid
from collections.abc import Iterator
from typing import Any

import docker
import pytest

from bot.core.naming import LABEL_INSTANCE
from bot.model.holder import ANYONE
from bot.model.run import Image
from bot.runners.docker.engine import DockerEngine
from bot.runners.docker.firewall import remove_rules
from bot.runners.docker.platform import DockerPlatform
from tests.fakes.log import FakeLog
from tests.real.fixtures import app_image, base_image, registry, sdk
from tests.real.parts import RegistryProcess, remove_network
from tests.runners.conftest import KEY, Stage

__all__ = ["app_image", "base_image", "registry", "sdk"]

pytestmark = [pytest.mark.docker, pytest.mark.xdist_group("probes")]

CONTROLLED = {
    "has a capability": "grep -qE '^Cap(Eff|Prm|Bnd):.*[1-9a-f]' /proc/self/status",
    "may gain privileges": "grep -q '^NoNewPrivs:.0' /proc/self/status",
    "has no seccomp filter": "grep -q '^Seccomp:.0' /proc/self/status",
    "makes a user namespace": "unshare -U true",
    "makes a network namespace": "unshare -n true",
    "mounts a file system": "mkdir -p /tmp/m && mount -t tmpfs x /tmp/m",
    "opens a packet socket": 'arping -D -c 1 -w 1 -I "$(ls /sys/class/net | grep -v lo)" 192.0.2.1',
    "changes its addresses": "ip addr add 192.0.2.7/32 dev lo",
    "changes its host name": "hostname other",
    "changes its root": "chroot / true",
    "finds the engine's socket": "[ -e /var/run/docker.sock ] || [ -e /run/docker.sock ]",
    "changes its cgroup": "for d in /sys/fs/cgroup /sys/fs/cgroup/memory; do mount -o remount,bind,rw $d;"
    " mkdir $d/x && [ -e $d/x/cgroup.procs ] && rmdir $d/x && exit; done; exit 1",
    "reaches the host at the gateway": "timeout 5 nc -w 2 $GATEWAY $PORT",
    "reaches the host at docker0": "timeout 5 nc -w 2 $DOCKER0 $PORT",
    "reaches the host at its own address": "timeout 5 nc -w 2 $HOST $PORT",
}
OTHERS = {
    "writes a kernel parameter": "cat /proc/sys/vm/swappiness >/tmp/v && cat /tmp/v >/proc/sys/vm/swappiness",
    "sees a disk or the kernel's memory": "ls /dev | grep -qE '^([svx]d[a-z]|nvme|mem|kmsg|fuse|kvm)'",
    "makes a block device": "mknod /tmp/sda b 8 0",
    "reads the kernel's memory": '[ "$(head -c 1 /proc/kcore | wc -c)" = 1 ]',
    "reaches the registry at its own loopback": "timeout 5 nc -w 2 127.0.0.1 $REGISTRY",
    "has IPv6": "grep -q . /proc/net/if_inet6",
    "reaches the metadata service": "timeout 5 nc -w 2 169.254.169.254 80",
    "reaches the metadata service of another cloud": "timeout 5 nc -w 2 100.100.100.200 80",
    "reaches the internet by UDP's port": "timeout 5 nc -w 2 8.8.8.8 53",
    "reaches the internet by HTTPS": "timeout 5 nc -w 2 1.1.1.1 443",
    "reaches a private network": "timeout 5 nc -w 2 10.0.0.1 443",
    "resolves a name outside": "timeout 3 nslookup example.com",
}
EXHAUSTING = {
    "starts 600 processes": "i=0; while [ $i -lt 600 ]; do sleep 5 & i=$((i+1)); done",
    "writes 300 MB to /tmp": "dd if=/dev/zero of=/tmp/x bs=1M count=300 && rm /tmp/x",
    "writes 100 MB to /dev/shm": "dd if=/dev/zero of=/dev/shm/x bs=1M count=100 && rm /dev/shm/x",
}
RESTRICTED_ONLY = {"writes to its image": "touch /etc/x"}
OF_AN_ENTRY_POINT = {"has a capability"}
"""What an ordinary preview may: its capabilities are those that an entry point needs to change its user."""
ATTEMPTS = [
    *(("restricted preview", name) for name in (*CONTROLLED, *OTHERS, *EXHAUSTING, *RESTRICTED_ONLY)),
    *(("preview", name) for name in (*CONTROLLED, *OTHERS, *EXHAUSTING) if name not in OF_AN_ENTRY_POINT),
    *(("tests", name) for name in (*CONTROLLED, *OTHERS, *EXHAUSTING)),
]
CONTROL = {*CONTROLLED, *EXHAUSTING, *RESTRICTED_ONLY}


def script(addresses: dict[str, Any]) -> str:
    """Return a program that prints the names of the attempts that succeed; those that exhaust come last."""
    given = "".join(f"{name}={value}\n" for name, value in addresses.items())
    together = "".join(
        _attempt(name, command, "&") for name, command in {**RESTRICTED_ONLY, **CONTROLLED, **OTHERS}.items()
    )
    in_turn = "".join(_attempt(name, command, "") for name, command in EXHAUSTING.items())
    return f"{given}{together}wait\n{in_turn}echo finished\n"


def _attempt(name: str, command: str, ending: str) -> str:
    return f'{{ ( {command} ) </dev/null >/dev/null 2>&1 && echo "{name}"; }} {ending}\n'


def names(output: str) -> frozenset[str]:
    """Return the attempts that succeeded; the program must have come to its end."""
    lines = output.splitlines()
    assert "finished" in lines, output
    return frozenset(lines) - {"finished"}


@pytest.fixture(scope="module")
def succeeded(
    sdk: docker.DockerClient, app_image: Image, base_image: str, registry: RegistryProcess
) -> dict[str, frozenset[str]]:
    """Make all attempts, and return those that succeeded by kind of container."""
    with listener() as port:
        known = {"PORT": port, "REGISTRY": registry.host.rpartition(":")[2], "HOST": own_address()}
        known["DOCKER0"] = gateway_of(sdk, "bridge")
        return asyncio.run(attempts(sdk, app_image, base_image, known))


@contextlib.contextmanager
def listener() -> Iterator[int]:
    """Listen on a port of all addresses of this machine, and close what connects."""
    with socketserver.TCPServer(("0.0.0.0", 0), socketserver.BaseRequestHandler) as server:  # noqa: S104 - to be attacked
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            serving.join()


def own_address() -> str:
    """Return the address of this machine that others see; connecting a UDP socket sends nothing."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.1", 9))
        return str(probe.getsockname()[0])


def gateway_of(sdk: docker.DockerClient, network: str) -> str:
    """Return the address of this machine in a network of the engine."""
    [config] = sdk.networks.get(network).attrs["IPAM"]["Config"]
    return str(config.get("Gateway") or ipaddress.IPv4Network(config["Subnet"])[1])


async def attempts(
    sdk: docker.DockerClient, app_image: Image, base_image: str, known: dict[str, Any]
) -> dict[str, frozenset[str]]:
    """Deploy a preview of each kind and run a suite beside one, all with the program as their own doing."""
    instance = f"test-{uuid.uuid4().hex[:12]}"
    engine = await DockerEngine.connect()
    platform = DockerPlatform(engine, instance=instance)
    try:
        return await _attempts(Stage(platform, app_image, base_image, instance, sdk, FakeLog()), known)
    finally:
        await platform.remove(KEY, ANYONE)
        await remove_rules(instance)
        await engine.close()


async def _attempts(stage: Stage, known: dict[str, Any]) -> dict[str, frozenset[str]]:
    await stage.platform.deploy(stage.spec(memory="512m", trusted=False), stage.log)
    [network] = stage.networks
    program = script({**known, "GATEWAY": gateway_of(stage.sdk, network)})
    control, restricted = await asyncio.gather(
        asyncio.to_thread(_control, stage, known), asyncio.to_thread(_inside, stage, program)
    )
    assert CONTROL - control == set(), "these attempts cannot succeed at all"
    suite = stage.suite(f"{program}\nwget -q -O - http://app:8080/", memory="512m")
    await stage.platform.run_tests(suite, stage.log)
    assert "at your service\n" in stage.log.text, "the preview serves its tests"
    await stage.platform.deploy(stage.spec(memory="512m"), stage.log)
    [network] = stage.networks
    program = script({**known, "GATEWAY": gateway_of(stage.sdk, network)})
    return {
        "restricted preview": restricted,
        "preview": await asyncio.to_thread(_inside, stage, program),
        "tests": names(stage.log.text) - {"at your service"},
    }


def _inside(stage: Stage, program: str) -> frozenset[str]:
    ran: Any = stage.container("app").exec_run(["sh", "-c", program])
    return names(ran.output.decode())


def _control(stage: Stage, known: dict[str, Any]) -> frozenset[str]:
    """Make the attempts with more rights, on an ordinary network and near the engine's socket."""
    network = stage.sdk.networks.create(f"{stage.instance}-open", labels={LABEL_INSTANCE: stage.instance})
    try:
        program = script({**known, "GATEWAY": gateway_of(stage.sdk, str(network.id))})
        output: Any = stage.sdk.containers.run(
            stage.tests_image,
            ["sh", "-c", program],
            network=str(network.id),
            cap_add=["SYS_ADMIN", "NET_ADMIN"],
            security_opt=["seccomp=unconfined", "apparmor=unconfined"],
            remove=True,
            shm_size="200m",
            volumes=["/var/run/docker.sock:/var/run/docker.sock"],
        )
    finally:
        remove_network(network)
    return names(output.decode())


@pytest.mark.parametrize(
    ("container", "attempt"), ATTEMPTS, ids=[f"{name} in {kind}" for kind, name in ATTEMPTS]
)
def test_code_in_a_container(succeeded: dict[str, frozenset[str]], container: str, attempt: str) -> None:
    assert attempt not in succeeded[container]
