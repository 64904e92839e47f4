"""A Corefile for the zone of the previews. Pure.

https://coredns.io/plugins/template/ and https://coredns.io/plugins/etcd/
"""

import ipaddress
import re
from collections.abc import Sequence

TTL = 30
"""Seconds; a zone that moves is followed soon."""

_ZONE = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9])?")
_HEAD = "# From `chatops dns coredns`: {told}.\n"
_REST = """\
    # {missing}HTTPS and all else: the name exists, such a record does not (NODATA).
    template IN ANY {{
        rcode NOERROR
        authority "{{{{ .Zone }}}} {ttl} IN SOA ns.{{{{ .Zone }}}} bot.{{{{ .Zone }}}} (1 60 60 600 {ttl})"
    }}
"""
_RECORD = """\
    template IN {kind} {{
        answer {answers}
    }}
"""
_ETCD = """\
    etcd {{
        path {path}
        endpoint {endpoint}
    }}
    cache {ttl}
"""


def wildcard(zone: str, addresses: Sequence[str]) -> str:
    """Return a server block in which every name, on any level, leads to these addresses.

    Raises ValueError for what is no address, or for none.
    """
    known = {kind: _of_version(addresses, version) for kind, version in (("A", 4), ("AAAA", 6))}
    if not any(known.values()):
        raise ValueError("no address that the names should lead to")
    records = "".join(_record(kind, given) for kind, given in known.items() if given)
    missing = "".join(f"{kind}, " for kind, given in known.items() if not given)
    rest = _REST.format(ttl=TTL, missing=missing)
    told = f"every name below {zone} leads to {', '.join(addresses)}"
    return _block(zone, told, records + rest)


def dynamic(zone: str, endpoint: str, path: str) -> str:
    """Return a server block that knows the names which the bot keeps in etcd."""
    told = f"the bot keeps the names below {zone} in etcd"
    return _block(zone, told, _ETCD.format(path=path, endpoint=endpoint, ttl=TTL))


def _block(zone: str, told: str, body: str) -> str:
    if not _ZONE.fullmatch(zone):
        raise ValueError(f"not the name of a zone: {zone!r}")
    return f"{_HEAD.format(told=told)}{zone} {{\n{body}    errors\n}}\n"


def _record(kind: str, addresses: Sequence[str]) -> str:
    answers = " ".join(f'"{{{{ .Name }}}} {TTL} IN {kind} {address}"' for address in addresses)
    return _RECORD.format(kind=kind, answers=answers)


def _of_version(addresses: Sequence[str], version: int) -> list[str]:
    known = (ipaddress.ip_address(address) for address in addresses)
    return [str(address) for address in known if address.version == version]
