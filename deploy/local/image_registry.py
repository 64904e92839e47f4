"""Provides a local image registry: the one at the port, or Debian's docker-registry, which it starts."""

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
# Docker accepts registries on 127.0.0.0/8 without TLS.
ADDRESS = f"127.0.0.1:{PORT}"
PATIENCE = 120.0
"""Seconds to wait for an answer, enough for a busy machine; a port without a listener refuses at once."""


def answers() -> bool:
    """Return whether a registry without a login answers at the port.

    Raises SetUpError if something else answers.
    """
    try:
        with urllib.request.urlopen(f"http://{ADDRESS}/v2/", timeout=PATIENCE):
            return True
    except urllib.error.HTTPError as refusal:
        status = refusal.code
        refusal.close()
        raise SetUpError(
            f"{ADDRESS} is in use by another service (status {status}). Use another port:"
            " `make demo CHATOPS_REGISTRY_PORT=5001`."
        ) from None
    except OSError:
        return False


def packages() -> list[str]:
    """Return the Debian packages that must be installed to run a registry."""
    return [] if which("docker-registry") else ["docker-registry"]


def ensure() -> None:
    """Start a registry unless one is running. Raises SetUpError."""
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
    raise SetUpError(f"The registry was started but does not answer:\n\n{PROCESS.ending()}")
