"""A local image registry: the one that answers at the port, else Debian's docker-registry, started here."""

import os
import time
import urllib.error
import urllib.request
from pathlib import Path
from shutil import which

import machine
from machine import Background, SetUpError

PROCESS = Background("registry")
CONFIG = Path(__file__).with_name("registry.yml")
PORT = int(os.environ.get("CHATOPS_REGISTRY_PORT", "5000"))
# The loopback name of 127.0.0.0/8 is what Docker takes without TLS.
ADDRESS = f"127.0.0.1:{PORT}"
PATIENCE = 120.0
"""Seconds that the registry may take to answer on a busy machine; where nobody listens is known at once."""


def answers() -> bool:
    """Say whether a registry that asks for no login answers at the port.

    Raises SetUpError when something else does.
    """
    try:
        with urllib.request.urlopen(f"http://{ADDRESS}/v2/", timeout=PATIENCE):
            return True
    except urllib.error.HTTPError as refusal:
        status = refusal.code
        refusal.close()
        raise SetUpError(
            f"Something else answers at {ADDRESS} (status {status}). Take another port:"
            " `make demo CHATOPS_REGISTRY_PORT=5001`."
        ) from None
    except OSError:
        return False


def packages() -> list[str]:
    """Return what has to be installed to have a registry here."""
    return [] if which("docker-registry") else ["docker-registry"]


def silence_service() -> None:
    """Stop the service that the package starts under systemd: it asks for a password nobody knows."""
    if machine.has_systemd():
        machine.run("systemctl", "disable", "--now", "docker-registry")


def ensure() -> None:
    """Have a registry running. Raises SetUpError."""
    if answers():
        return
    storage = machine.STATE / "registry"
    storage.mkdir(parents=True, exist_ok=True)
    process = PROCESS.start(
        "docker-registry",
        "serve",
        str(CONFIG),
        env={
            "REGISTRY_HTTP_ADDR": ADDRESS,
            "REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY": str(storage),
        },
    )
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until and process.poll() is None:
        if answers():
            return
        time.sleep(0.05)
    raise SetUpError(f"The registry was started and does not answer:\n\n{PROCESS.ending()}")
