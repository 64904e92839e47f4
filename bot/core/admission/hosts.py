"""Decides which names the bot answers to, so that no web page can read it through a name of its own.

In DNS rebinding, a page at `http://evil.example` has this name point to the bot's address, and then reads the
bot as its own server; only the Host header shows the difference.
"""

import re
from collections.abc import Iterable
from fnmatch import fnmatchcase
from ipaddress import ip_address
from urllib.parse import urlsplit

_HOST = re.compile(r"(?P<name>\[[0-9a-f:.]+\]|[a-z0-9_-]+(\.[a-z0-9_-]+)*)\.?(:[0-9]{0,5})?")
_UNDELEGATED = (".localhost", ".svc", ".cluster.local")
"""Ends of names that cannot be registered: of this machine, and of Services of Kubernetes."""


def names(public_url: str, hosts: Iterable[str]) -> tuple[str, ...]:
    """Return the names from the settings: that of the public address, and patterns such as `*.lan`."""
    public = urlsplit(public_url).hostname or ""
    return tuple(name.lower().rstrip(".") for name in (public, *hosts) if name)


def answers(header: str, patterns: Iterable[str]) -> bool:
    """Return whether the bot answers a request with this Host header.

    Always accepted is what no hostile page can have as its own name: addresses by number, names without
    a dot, and names that end in a suffix that cannot be registered.
    """
    name = host_name(header)
    if name is None:
        return False
    if "." not in name or name.endswith(_UNDELEGATED) or _is_address(name):
        return True
    return listed(name, patterns)


def listed(header: str, patterns: Iterable[str]) -> bool:
    """Return whether the settings name the host in this Host header, or in the same part of an address."""
    name = host_name(header) or ""
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def host_name(header: str) -> str | None:
    """Return the name in a Host header without its port; None if it is not a name."""
    found = _HOST.fullmatch(header.lower())
    return found["name"] if found else None


def _is_address(name: str) -> bool:
    try:
        ip_address(name.strip("[]"))
    except ValueError:
        return False
    return True
