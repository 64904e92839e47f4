"""Resolves one name; `bot.doctor.dns` decides what the result means."""

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import dns.asyncresolver
import dns.exception
import dns.nameserver
import dns.resolver

SECONDS = 6.0
"""Seconds that all attempts of one query may take."""
TRY = 2.0
PORT = 53
_SERVER = re.compile(r"(?:([0-9.]+)|\[(.+)\])(?::([0-9]+))?")


class Ending(StrEnum):
    """How a query ended; each ending calls for different advice."""

    FOUND = "found"
    NXDOMAIN = "nxdomain"
    NO_DATA = "no_data"
    FAILED = "failed"
    TIMEOUT = "timeout"


@dataclass(frozen=True, slots=True)
class Lookup:
    """One query and its answer."""

    name: str
    ending: Ending
    addresses: tuple[str, ...] = ()
    detail: str = ""
    """What the servers answered, if they failed."""


class Resolver:
    """The machine's own resolvers, or `servers`, each `address` or `address:port`."""

    def __init__(self, servers: Sequence[str] = ()) -> None:
        self._resolver = dns.asyncresolver.Resolver(configure=not servers)
        if servers:
            self._resolver.nameservers = [_server(one) for one in servers]
        self.servers = ", ".join(servers or (str(one) for one in self._resolver.nameservers))
        """The servers that are queried."""
        self._resolver.timeout, self._resolver.lifetime = TRY, SECONDS
        # Search domains would hide that a name is missing.
        self._resolver.use_search_by_default = False
        self._resolver.cache = None

    async def ask(self, name: str, kind: str) -> Lookup:
        """Query the A or AAAA records of a name."""
        try:
            answer = await self._resolver.resolve(name, kind)
        except dns.resolver.NXDOMAIN:
            return Lookup(name, Ending.NXDOMAIN)
        except dns.resolver.NoAnswer:
            return Lookup(name, Ending.NO_DATA)
        except dns.resolver.NoNameservers as error:
            return Lookup(name, Ending.FAILED, detail=_answers(error))
        except dns.exception.Timeout:
            return Lookup(name, Ending.TIMEOUT)
        return Lookup(name, Ending.FOUND, tuple(sorted(record.to_text() for record in answer)))


def _server(text: str) -> dns.nameserver.Do53Nameserver:
    """Read `10.0.0.2`, `10.0.0.2:5353`, `::1` or `[::1]:5353`. Raises ValueError if it is not an address."""
    found = _SERVER.fullmatch(text)
    address, port = (found[1] or found[2], found[3]) if found else (text, None)
    return dns.nameserver.Do53Nameserver(str(ipaddress.ip_address(address)), int(port or PORT))


def _answers(error: dns.resolver.NoNameservers) -> str:
    """Return what the servers answered, such as SERVFAIL or REFUSED."""
    errors = error.kwargs.get("errors") or ()
    return ", ".join(dict.fromkeys(str(each[3]) for each in errors))
