"""Chooses the service of a Compose file that gets the address of the preview."""

from collections.abc import Collection, Mapping

from bot.core.deciding.web_port import web_port
from bot.pipeline.compose import messages, values
from bot.pipeline.compose.findings import Findings
from bot.pipeline.compose.model import Service

_NOT_WEB = frozenset(values.PORTS.values()) - {8123, 9000}
"""Ports of databases, which publish them for the tools of developers."""


def chosen(services: Mapping[str, Service], named: str | None, found: Findings) -> str | None:
    """Return the service that is named, or else the most likely one of those that publish ports.

    It is the first, but one that others depend on, a database, or an image from elsewhere comes after others.
    """
    published = [name for name, one in services.items() if one.ports] or list(services)[: len(services) == 1]
    if named is not None or not published:
        if named is None:
            found.wrong(("services",), messages.NOT_CHOSEN)
        return named
    needed = frozenset(other for one in services.values() for other in needs(one))
    return min(published, key=lambda name: _rank(name, services[name], needed))


def needs(service: Service) -> tuple[str, ...]:
    """Return the names of services that one depends on."""
    return tuple(service.depends_on or ())


def _rank(name: str, service: Service, needed: Collection[str]) -> tuple[bool, bool, bool]:
    port = web_port(values.all_ports(service.ports or ()))
    return name in needed, port in _NOT_WEB, service.build is None
