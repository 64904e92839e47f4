"""Generates a Corefile for the zone of the previews. Pure.

https://coredns.io/plugins/template/ and https://coredns.io/plugins/etcd/
"""

import ipaddress
import re
from collections.abc import Sequence

TTL = 30
"""In seconds; short, so that clients soon notice when the address changes."""

_ZONE = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9])?")
_HEAD = "# From `chatops dns coredns`: {summary}.\n"
_REST = """\
    # {missing}HTTPS and other types: the name exists without a record of this type (NODATA).
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
    """Return a server block that resolves every name, on any level, to these addresses.

    Raises ValueError if one is not an IP address, or if there is none.
    """
    known = {kind: _of_version(addresses, version) for kind, version in (("A", 4), ("AAAA", 6))}
    if not any(known.values()):
        raise ValueError("at least one address is required")
    records = "".join(_record(kind, given) for kind, given in known.items() if given)
    missing = "".join(f"{kind}, " for kind, given in known.items() if not given)
    rest = _REST.format(ttl=TTL, missing=missing)
    summary = f"every name below {zone} resolves to {', '.join(addresses)}"
    return _block(zone, summary, records + rest)


def dynamic(zone: str, endpoint: str, path: str) -> str:
    """Return a server block that serves the records that the bot writes to etcd."""
    summary = f"the bot writes the records below {zone} to etcd"
    return _block(zone, summary, _ETCD.format(path=path, endpoint=endpoint, ttl=TTL))


def _block(zone: str, summary: str, body: str) -> str:
    if not _ZONE.fullmatch(zone):
        raise ValueError(f"invalid zone name: {zone!r}")
    return f"{_HEAD.format(summary=summary)}{zone} {{\n{body}    errors\n}}\n"


def _record(kind: str, addresses: Sequence[str]) -> str:
    answers = " ".join(f'"{{{{ .Name }}}} {TTL} IN {kind} {address}"' for address in addresses)
    return _RECORD.format(kind=kind, answers=answers)


def _of_version(addresses: Sequence[str], version: int) -> list[str]:
    known = (ipaddress.ip_address(address) for address in addresses)
    return [str(address) for address in known if address.version == version]
