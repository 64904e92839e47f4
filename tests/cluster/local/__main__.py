"""`make test-cluster`, and the parts of it that `make test` needs one by one.

    prepare   install what is missing (root on Debian 12), else say what to do
    build     have the node's programs and Helm in the cache
    test …    bring the cluster up, run pytest with these arguments, take it down whatever happened
    run …     the same with another command than pytest
    up, down  the same by hand, for work on the tests

With KUBECONFIG set the tests run on that cluster, and nothing is installed, built or started but Helm.
"""

import os
import platform
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import engine
import machine
from machine import SetUpError

from tests.cluster.local import binaries, node, programs

ELSEWHERE = """\
The tests of the cluster build and start a Kubernetes of their own, as root on Debian 12. Run

    sudo make test-cluster

or name a cluster that may be played with (kind, k3d, a real one):

    make test-cluster KUBECONFIG=$HOME/.kube/config

`make test CLUSTER=off` runs all other tests.
"""


@contextmanager
def step(name: str) -> Iterator[None]:
    """Say what is being done, and how long it took."""
    print(f"  {name} ".ljust(48, "."), end=" ", flush=True)
    start = time.monotonic()
    try:
        yield
    except BaseException:
        print("stopped", flush=True)
        raise
    print(f"{time.monotonic() - start:6.1f} s", flush=True)


def is_given() -> bool:
    """Say whether somebody named a cluster."""
    return bool(os.environ.get("KUBECONFIG"))


def prepare() -> None:
    """Install what the cluster needs. Raises SetUpError where that is not allowed."""
    if is_given():
        return
    if not machine.may_install() or platform.freedesktop_os_release().get("VERSION_CODENAME") != "bookworm":
        raise SetUpError(ELSEWHERE)
    if missing := binaries.missing_packages():
        with step("Debian packages for the cluster"):
            machine.install(missing)


def build() -> None:
    """Have everything in the cache."""
    with step("Helm"):
        binaries.helm()
    if not is_given():
        with step("Kubernetes (built once, in minutes)"):
            binaries.kubernetes()


@contextmanager
def cluster() -> Iterator[Path]:
    """Have a cluster, and give its kubeconfig."""
    if is_given():
        yield Path(os.environ["KUBECONFIG"])
        return
    with closing(engine.ensure()) as client:
        try:
            with step("Kubernetes node"):
                kubeconfig = node.up(client, binaries.kubernetes())
            yield kubeconfig
        finally:
            with step("Kubernetes node away"):
                node.down(client)


def test(arguments: Sequence[str]) -> int:
    """Run the tests and return pytest's exit status."""
    return run([sys.executable, "-m", "pytest", *(arguments or ["tests/cluster"])])


def run(command: Sequence[str]) -> int:
    """Run a command that needs the cluster and return its exit status."""
    prepare()
    build()
    with cluster() as kubeconfig:
        return subprocess.run(command, env=environment(kubeconfig), check=False).returncode


def environment(kubeconfig: Path) -> dict[str, str]:
    """Return what the tests find in their environment."""
    found = {**os.environ, "KUBECONFIG": str(kubeconfig)}
    if not is_given():
        bridge = node.bridge(kubeconfig)
        found |= {"CHATOPS_TEST_INGRESS": f"http://{bridge}", "CHATOPS_TEST_MACHINE": bridge}
        found["CHATOPS_TEST_AUDIT"] = str(node.STATE / programs.AUDIT_LOG)
    if helm := binaries.helm():
        found["PATH"] = f"{helm}:{found['PATH']}"
    return found


def up() -> None:
    """Start the cluster and say how to use it."""
    prepare()
    build()
    with closing(engine.ensure()) as client, step("Kubernetes node"):
        kubeconfig = node.up(client, binaries.kubernetes())
    bridge = node.bridge(kubeconfig)
    print(
        f"\n    export KUBECONFIG={kubeconfig} CHATOPS_TEST_MACHINE={bridge} CHATOPS_TEST_INGRESS=http://{bridge}"
    )


def down() -> None:
    """Take the cluster down."""
    with closing(engine.ensure()) as client:
        node.down(client)


def main(door: str, *arguments: str) -> int:
    """Do what was asked for; return the exit status."""
    # A `kill` is to leave no more behind than Ctrl-C does.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        if door in {"test", "run"}:
            return {"test": test, "run": run}[door](arguments)
        {"prepare": prepare, "build": build, "up": up, "down": down}[door]()
    except SetUpError as problem:
        print(f"\n{problem}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
