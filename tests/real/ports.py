"""Ports for processes that a test starts: nobody else gets one between the choice and the start."""

import contextlib
import random
import socket

UNASSIGNED = (20_000, 32_000)
"""Below what Linux gives to outgoing connections: net.ipv4.ip_local_port_range."""


def free_port() -> int:
    """Return a port of 127.0.0.1 on which nothing listens, reserved for this process until it ends.

    Other workers and other suites on this machine do not get it, nor does a connection by chance: it is still
    free when something is started there, and when that is started again.
    """
    while True:
        port = random.randrange(*UNASSIGNED)  # noqa: S311 - no secret
        if _reserved(port) and _is_free(port):
            return port


def _reserved(port: int) -> bool:
    """Bind a name that the kernel gives to one process at a time, and takes back however that one ends."""
    name = socket.socket(socket.AF_UNIX)
    try:
        name.bind(f"\0chatops-test-port-{port}")
    except OSError:
        name.close()
        return False
    name.detach()
    return True


def _is_free(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
        return True
    return False
