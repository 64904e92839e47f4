"""Which way out an environment has."""

from collections.abc import Iterable
from fnmatch import fnmatchcase
from ipaddress import IPv4Network

from bot.core.admission.served import serves
from bot.model.egress import EgressRule
from bot.model.forge import RepoPath

METADATA = ("169.254.0.0/16", "100.100.100.200")
"""Where clouds answer machines with their credentials; the second is Alibaba Cloud's."""


def way_out(
    rules: Iterable[EgressRule], repo: RepoPath, environment: str, *, trusted: bool
) -> EgressRule | None:
    """Return the first rule for a repository's environment, None if it has no way out.

    Code that others than people with write access can have pushed has none: it could send what it finds
    there to its author.
    """
    fitting = (
        rule
        for rule in rules
        if serves(rule.repos, repo) and any(fnmatchcase(environment, one) for one in rule.environments)
    )
    return next(fitting, None) if trusted else None


def reachable(cidrs: Iterable[str]) -> tuple[str, ...]:
    """Return these networks without the metadata services of clouds, as several smaller ones if need be.

    >>> reachable(["10.2.0.0/16", "100.100.100.200/31", "169.254.169.254/32"])
    ('10.2.0.0/16', '100.100.100.201/32')
    """
    found = [IPv4Network(cidr) for cidr in cidrs]
    for excluded in map(IPv4Network, METADATA):
        found = [part for network in found for part in _without(network, excluded)]
    return tuple(map(str, found))


def _without(network: IPv4Network, excluded: IPv4Network) -> Iterable[IPv4Network]:
    if network.subnet_of(excluded):
        return ()
    return sorted(network.address_exclude(excluded)) if excluded.subnet_of(network) else (network,)
