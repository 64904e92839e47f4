"""Provides a Docker Engine: the running one, or Debian's, which it starts."""

import os
import time
from collections.abc import Callable
from pathlib import Path
from shutil import which

import docker
import docker.errors
import machine
import requests
from machine import Background, SetUpError

PROCESS = Background("dockerd")
SOCKET = Path("/var/run/docker.sock")
PATIENCE = 60.0
"""Seconds to wait until a started engine answers."""


def connect() -> docker.DockerClient | None:
    """Return a client of the engine that the environment selects, or None if no engine answers."""
    try:
        client = docker.from_env(timeout=300)
    except docker.errors.DockerException:
        return None
    try:
        client.ping()
    except (docker.errors.DockerException, requests.RequestException):
        client.close()
        return None
    return client


def packages() -> list[str]:
    """Return the Debian packages that must be installed to run an engine."""
    if _is_elsewhere() or which("dockerd"):
        return []
    if client := connect():
        client.close()
        return []
    return ["docker.io", "iptables", "ca-certificates"]


def ensure() -> docker.DockerClient:
    """Return a client of a running engine. Raises SetUpError."""
    return connect() or _start()


def _is_elsewhere() -> bool:
    return bool(os.environ.get("DOCKER_HOST"))


def _start() -> docker.DockerClient:
    if _is_elsewhere():
        raise SetUpError(f"No Docker Engine answers at DOCKER_HOST={os.environ['DOCKER_HOST']}.")
    if os.geteuid() != 0:
        raise SetUpError(_advice())
    if machine.has_systemd():
        machine.run("systemctl", "start", "docker")
        return _answer(lambda: True)
    process = PROCESS.start("dockerd")
    return _answer(lambda: process.poll() is None)


def _advice() -> str:
    if SOCKET.exists() and not os.access(SOCKET, os.W_OK):
        return (
            f"You have no permission to use {SOCKET}. Run\n\n"
            "    sudo usermod -aG docker $USER\n\nand log in again."
        )
    start = (
        "systemctl start docker" if machine.has_systemd() else "sh -c 'dockerd >/var/log/dockerd.log 2>&1 &'"
    )
    return (
        f"No Docker Engine is running. Run\n\n    sudo {start}\n\nand repeat this command."
        " To use an engine on another machine, set DOCKER_HOST."
    )


def _answer(alive: Callable[[], bool]) -> docker.DockerClient:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until and alive():
        if client := connect():
            return client
        time.sleep(0.1)
    end = f":\n\n{PROCESS.ending()}\n\nFull log: {PROCESS.log}" if PROCESS.log.exists() else "."
    raise SetUpError(f"The Docker Engine was started but does not answer{end}")
