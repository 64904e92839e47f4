"""Services of an environment that visitors reach besides the deployed one: their hosts and paths."""

import re
from collections.abc import Mapping, Sequence

from bot.core import naming
from bot.model.addresses import Addresses
from bot.model.environment import Endpoint, Environment, PublicService
from bot.model.pipeline import ServiceConfig

_WRITTEN = re.compile(
    r"([a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?):([0-9]{1,5})(/[A-Za-z0-9._~/-]{1,610})?", re.ASCII
)


def declared(services: Mapping[str, ServiceConfig]) -> tuple[PublicService, ...]:
    """Return the public ones of `services`, in the order of their names."""
    return tuple(
        PublicService(name, one.port, one.public if isinstance(one.public, str) else "")
        for name, one in sorted(services.items())
        if one.public and one.port is not None
    )


def label(host_label: str, service: PublicService) -> str:
    """Return the first label of the host at which a service of an environment answers."""
    return host_label if service.path else naming.service_label(host_label, service.name)


def host(hostname: str, service: PublicService) -> str:
    """Return the host at which a service answers, by that of its environment."""
    first, dot, domain = hostname.partition(".")
    return f"{label(first, service)}{dot}{domain}"


def labels(environment: Environment) -> set[str]:
    """Return the first labels of all hosts of an environment."""
    return {environment.host, *(label(environment.host, one) for one in environment.public)}


def reached(environment: Environment, host_label: str, path: str) -> Endpoint | None:
    """Return where a request for a host and a URL path goes; None if nothing is known there.

    The longest path decides, as with an Ingress, by whole names: `/api` covers `/api/v1` and not `/apis`.
    """
    own_host, endpoint = host_label != environment.host, environment.endpoint
    found = [
        one
        for one in environment.public
        if label(environment.host, one) == host_label and (own_host or _covers(one.path, path))
    ]
    if found and endpoint:
        return endpoint.services.get(max(found, key=lambda one: len(one.path)).name)
    return None if own_host else endpoint


def urls(addresses: Addresses, host_label: str, services: Sequence[PublicService]) -> dict[str, str]:
    """Return the URLs of public services by name."""
    return {one.name: addresses.public(label(host_label, one), one.path) for one in services}


def variables(url: str, urls: Mapping[str, str]) -> dict[str, str]:
    """Return the variables with the URLs of a preview and its public services, such as `PUBLIC_URL_API`."""
    named = {f"PUBLIC_URL_{name.upper().replace('-', '_')}": each for name, each in urls.items()}
    return {"PUBLIC_URL": url, **named}


def written(services: Sequence[PublicService]) -> str:
    """Return services as a text for a label, `api:9000,web:80/admin`; a bot that lost its store reads it."""
    return ",".join(f"{one.name}:{one.port}{one.path}" for one in services)


def read(text: str) -> tuple[PublicService, ...]:
    """Return the services in such a text; what is written otherwise is skipped."""
    found = map(_WRITTEN.fullmatch, text.split(","))
    return tuple(PublicService(one[1], int(one[2]), one[3] or "") for one in found if one)


def _covers(service: str, path: str) -> bool:
    folder = service.rstrip("/")
    return path == folder or path.startswith(f"{folder}/")
