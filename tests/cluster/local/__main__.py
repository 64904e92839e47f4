"""`make test-cluster`, and the parts of it that `make test` calls one by one.

    prepare   install missing packages (root on Debian 12), or print what to do
    build     build or fetch the node's programs and Helm into the cache
    test …    start the cluster, run pytest with these arguments, and always stop the cluster
    run …     the same with another command than pytest
    up, down  start and stop the cluster by hand, for work on the tests

With KUBECONFIG set, the tests run on that cluster, and only Helm is fetched.
"""

import os
import platform
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import engine
import machine
from machine import SetUpError, step

from tests.cluster.local import binaries, node, programs

ELSEWHERE = """\
The cluster tests build and start their own Kubernetes, as root on Debian 12. Run

    sudo make test-cluster

or name a cluster that the tests may change (kind, k3d, a real one):

    make test-cluster KUBECONFIG=$HOME/.kube/config

`make test CLUSTER=off` runs all other tests.
"""


def is_given() -> bool:
    """Return whether KUBECONFIG names a cluster."""
    return bool(os.environ.get("KUBECONFIG"))


def prepare() -> None:
    """Install the packages that the cluster needs. Raises SetUpError if that is not allowed."""
    if is_given():
        return
    if not machine.may_install() or platform.freedesktop_os_release().get("VERSION_CODENAME") != "bookworm":
        raise SetUpError(ELSEWHERE)
    if missing := binaries.missing_packages():
        with step("Debian packages for the cluster"):
            machine.install(missing)


def build() -> None:
    """Build or fetch everything into the cache."""
    with step("Helm"):
        binaries.helm()
    if not is_given():
        with step("Kubernetes (built once, in minutes)"):
            binaries.kubernetes()


@contextmanager
def cluster() -> Iterator[Path]:
    """Start a cluster, or use the given one, and yield its kubeconfig."""
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
        status = subprocess.run(command, env=environment(kubeconfig), check=False).returncode
        if status and not is_given():
            print(f"The logs of the cluster are in {node.keep_logs()}", file=sys.stderr)
        return status


def environment(kubeconfig: Path) -> dict[str, str]:
    """Return the environment variables of the tests."""
    found = {**os.environ, "KUBECONFIG": str(kubeconfig)}
    if not is_given():
        bridge = node.bridge(kubeconfig)
        found |= {"CHATOPS_TEST_INGRESS": f"http://{bridge}", "CHATOPS_TEST_MACHINE": bridge}
        found["CHATOPS_TEST_AUDIT"] = str(node.STATE / programs.AUDIT_LOG)
    if helm := binaries.helm():
        found["PATH"] = f"{helm}:{found['PATH']}"
    return found


def up() -> None:
    """Start the cluster and print how to use it."""
    prepare()
    build()
    with closing(engine.ensure()) as client, step("Kubernetes node"):
        kubeconfig = node.up(client, binaries.kubernetes())
    bridge = node.bridge(kubeconfig)
    print(
        f"\n    export KUBECONFIG={kubeconfig} CHATOPS_TEST_MACHINE={bridge} CHATOPS_TEST_INGRESS=http://{bridge}"
    )


def down() -> None:
    """Stop the cluster."""
    with closing(engine.ensure()) as client:
        node.down(client)


def main(command: str, *arguments: str) -> int:
    """Run a command; return the exit status."""
    # SIGTERM must clean up like Ctrl-C.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        if command in {"test", "run"}:
            return {"test": test, "run": run}[command](arguments)
        {"prepare": prepare, "build": build, "up": up, "down": down}[command]()
    except SetUpError as problem:
        print(f"\n{problem}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
