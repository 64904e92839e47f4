"""Which images of registries a pull request may use, and for which of them the bot's account may be used."""

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase

HUB = "docker.io"
"""The registry of names without one."""
_LOCAL = re.compile(r"(?:.*\.)?(?:localhost|[0-9]+|0x[0-9a-f]*)|\[.*", re.ASCII)
"""Names of the machine itself, IPv6 addresses, and unusual forms of IPv4 addresses such as `127.1`."""


@dataclass(frozen=True, slots=True)
class ImagePolicy:
    """The bot's own registry, and the images in it and elsewhere that every repository may use."""

    host: str = ""
    """The registry, as image names begin with it."""
    project: str = ""
    """First part of the names of all images that the bot pushes."""
    bases: tuple[str, ...] = ()
    """Patterns of the images that all repositories may use; `!` excludes, and the last match decides."""

    def allows(self, reference: str, own: str) -> bool:
        """Return whether a pull request may use an image; `own` is the name of its repository's own images.

        Images of other registries need no permission. Images of the bot's registry, and those below the
        bot's project at any address, may belong to other repositories; an address of the engine's own
        machine may be the same registry by another name.
        """
        if self.entrusts(reference, own):
            return True
        host, path = registry_and_path(reference)
        if host == HUB:
            return True
        below = bool(self.project) and f"{path}/".startswith(f"{self.project}/".lower())
        return host != self.host.lower() and not below and not _is_local(host)

    def entrusts(self, reference: str, own: str) -> bool:
        """Return whether an image may be pulled with the bot's accounts: the repository's own, or a base."""
        host, path = registry_and_path(reference)
        name = f"{host}/{path}"
        return name == own.lower() or listed(self.bases, name)


def name_of(reference: str) -> str:
    """Return the name of an image as it is written, without tag and digest.

    >>> name_of("Host:5000/a/b:1"), name_of("a@sha256:0f"), name_of("a:1@sha256:0f")
    ('Host:5000/a/b', 'a', 'a')
    """
    folder, slash, last = reference.partition("@")[0].rpartition("/")
    return f"{folder}{slash}{last.partition(':')[0]}"


def registry_and_path(reference: str) -> tuple[str, str]:
    """Return the registry and the path of an image, in lower case.

    >>> registry_and_path("python:3"), registry_and_path("team/app"), registry_and_path("Host:5000/a/b:1")
    (('docker.io', 'library/python'), ('docker.io', 'team/app'), ('host:5000', 'a/b'))
    """
    name = name_of(reference).lower()
    host, slash, path = name.partition("/")
    if not slash or not (set(".:") & set(host) or host == "localhost"):
        host, path = HUB, name
    if host == "index.docker.io":
        host = HUB
    return host, path if host != HUB or "/" in path else f"library/{path}"


def listed(patterns: Iterable[str], name: str) -> bool:
    """Return whether patterns select a name. The last pattern that matches decides; `!` deselects."""
    found = False
    short = name.removeprefix(f"{HUB}/").removeprefix("library/")
    for pattern in patterns:
        wanted = pattern.removeprefix("!").lower()
        if fnmatchcase(name, wanted) or fnmatchcase(short, wanted):
            found = not pattern.startswith("!")
    return found


def _is_local(host: str) -> bool:
    name = host if host.startswith("[") else host.partition(":")[0]
    try:
        address = ipaddress.IPv4Address(name)
    except ValueError:
        return _LOCAL.fullmatch(name) is not None
    return address.is_loopback or address.is_link_local or address.is_unspecified
