"""How the engine is reached: the Docker CLI's own settings, as an address and an aiohttp connector."""

import os
import ssl
from dataclasses import dataclass
from typing import Any

import aiohttp
import docker.errors
from docker.context import ContextAPI
from docker.tls import TLSConfig
from docker.utils import kwargs_from_env, parse_host

from bot.model.errors import GiveUp
from bot.model.reason import Reason

UNIX = "http+unix://"


@dataclass(frozen=True, slots=True)
class DockerOptions:
    """Where the engine is; what is empty comes from DOCKER_HOST, DOCKER_CONTEXT or the CLI's context."""

    host: str = ""
    """Such as `unix:///var/run/docker.sock` or `tcp://10.0.0.5:2376`."""
    context: str = ""
    """Name of a `docker context`."""
    tls_ca: str = ""
    tls_cert: str = ""
    tls_key: str = ""
    timeout: float = 60.0
    """Seconds that a short call may take."""


@dataclass(frozen=True, slots=True)
class Target:
    """A resolved engine: `base_url` and `tls` as the SDK takes them."""

    base_url: str
    tls: TLSConfig | None

    @property
    def socket(self) -> str | None:
        """Path of the engine's socket, if it is a local one."""
        return self.base_url.removeprefix(UNIX) if self.base_url.startswith(UNIX) else None

    @property
    def origin(self) -> str:
        """What aiohttp puts in front of a path."""
        return self.base_url if self.socket is None else "http://docker"


def resolve(settings: DockerOptions) -> Target:
    """Find the engine as the Docker CLI would; raises GiveUp(NOT_SUPPORTED) for what cannot be used."""
    try:
        found = _explicit(settings) or kwargs_from_env() or ContextAPI.kwargs_from_context()
        tls = found.get("tls") or None
        base_url = str(parse_host(found.get("base_url"), tls=tls is not None))
    except (docker.errors.DockerException, OSError) as error:
        raise GiveUp(Reason.NOT_SUPPORTED, {"what": f"docker: {error}"}) from error
    if not base_url.startswith((UNIX, "http://", "https://")):
        raise GiveUp(Reason.NOT_SUPPORTED, {"what": f"docker host {base_url}"})
    return Target(base_url, tls)


def connector(target: Target) -> aiohttp.BaseConnector:
    """Return aiohttp's way to the engine, without a limit: every followed log holds a connection."""
    if target.socket is not None:
        return aiohttp.UnixConnector(target.socket, limit=0)
    return aiohttp.TCPConnector(limit=0, ssl=_ssl(target.tls) if target.tls else True)


def _explicit(settings: DockerOptions) -> dict[str, Any]:
    if settings.context:
        return dict(ContextAPI.kwargs_from_context(settings.context, os.environ))
    if not settings.host:
        return {}
    found: dict[str, Any] = {"base_url": settings.host}
    if settings.tls_ca or settings.tls_cert:
        pair = (settings.tls_cert, settings.tls_key) if settings.tls_cert else None
        found["tls"] = TLSConfig(client_cert=pair, ca_cert=settings.tls_ca or None, verify=True)
    return found


def _ssl(tls: TLSConfig) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=tls.ca_cert or None)
    if not tls.verify:
        # What `DOCKER_TLS_VERIFY=` asks for: encryption without knowing the peer.
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if tls.cert:
        context.load_cert_chain(*tls.cert)
    return context
