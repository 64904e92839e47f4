"""Reserves ports for processes that tests start, so that no other process takes one before the start."""

import contextlib
import random
import socket

UNASSIGNED = (20_000, 32_000)
"""Below the range that Linux uses for outgoing connections: net.ipv4.ip_local_port_range."""


def free_port() -> int:
    """Return a port of 127.0.0.1 on which nothing listens, reserved for this process until it ends.

    Other workers and other test suites on this machine do not get it, and outgoing connections do not use it:
    it is still free when a process is started on it, and when that process is started again.
    """
    while True:
        port = random.randrange(*UNASSIGNED)  # noqa: S311 - no secret
        if _reserved(port) and _is_free(port):
            return port


def _reserved(port: int) -> bool:
    """Bind an abstract socket name: one process at a time can, and the kernel releases it when that ends."""
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
