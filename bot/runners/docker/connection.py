"""Finds the engine by the Docker CLI's own settings, and connects to it."""

import asyncio
import ssl
from dataclasses import dataclass
from urllib.parse import urlsplit

import aiohttp
import docker.errors
from docker.context import ContextAPI
from docker.tls import TLSConfig
from docker.utils import kwargs_from_env, parse_host

from bot.model.errors import GiveUp
from bot.model.reason import Reason

UNIX = "http+unix://"


@dataclass(frozen=True, slots=True)
class Target:
    """The address of an engine, as the SDK takes it."""

    base_url: str
    tls: TLSConfig | None

    @property
    def socket(self) -> str | None:
        """Path of a local engine's socket, otherwise None."""
        return self.base_url.removeprefix(UNIX) if self.base_url.startswith(UNIX) else None

    @property
    def origin(self) -> str:
        """What precedes the path of a request to it."""
        return self.base_url if self.socket is None else "http://docker"


def resolve(host: str = "") -> Target:
    """Return the engine at this address, otherwise the one that the Docker CLI would use.

    That is DOCKER_HOST, then DOCKER_CONTEXT, then the CLI's current context.
    Raises GiveUp(NOT_SUPPORTED) for an address or certificates that cannot be used.
    """
    try:
        found = {"base_url": host} if host else kwargs_from_env() or ContextAPI.kwargs_from_context()
        tls = found.get("tls") or None
        base_url = str(parse_host(found.get("base_url"), tls=tls is not None))
    except (docker.errors.DockerException, OSError) as error:
        raise GiveUp(Reason.NOT_SUPPORTED, {"what": f"docker: {error}"}) from error
    if not base_url.startswith((UNIX, "http://", "https://")):
        raise GiveUp(Reason.NOT_SUPPORTED, {"what": f"docker host {base_url}"})
    return Target(base_url, tls)


def connector(target: Target) -> aiohttp.BaseConnector:
    """Return a connector without a limit of connections: every followed log holds one."""
    if target.socket is not None:
        return aiohttp.UnixConnector(target.socket, limit=0)
    return aiohttp.TCPConnector(limit=0, ssl=_ssl(target.tls) if target.tls else True)


async def connected(target: Target) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Return a connection of its own, for what aiohttp's client does not speak. Raises OSError."""
    if target.socket is not None:
        return await asyncio.open_unix_connection(target.socket)
    url = urlsplit(target.base_url)
    secure = url.scheme == "https"
    encryption = (_ssl(target.tls) if target.tls else ssl.create_default_context()) if secure else None
    return await asyncio.open_connection(url.hostname, url.port or (443 if secure else 80), ssl=encryption)


def _ssl(tls: TLSConfig) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=tls.ca_cert or None)
    if not tls.verify:
        # What an empty `DOCKER_TLS_VERIFY=` asks for: encryption without authentication.
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if tls.cert:
        context.load_cert_chain(*tls.cert)
    return context
