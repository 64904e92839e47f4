"""The networks outside that previews may reach."""

import ipaddress
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated

from pydantic import AfterValidator, Field

from bot.model.egress import EgressRule
from bot.settings.kinds import section
from bot.settings.patterns import EnvironmentPattern, RepositoryPattern, misplaced


def _network(value: str) -> str:
    try:
        return str(ipaddress.IPv4Network(value))
    except ValueError as error:
        raise ValueError('is not a network such as "10.2.0.0/16"') from error


def _address(value: str) -> str:
    try:
        return str(ipaddress.IPv4Address(value))
    except ValueError as error:
        raise ValueError('is not an address such as "10.2.0.53"') from error


EgressName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,30}$")]


@section
@dataclass(frozen=True, slots=True)
class EgressSettings:
    """Networks outside of their environment that previews and their tests may reach."""

    repos: tuple[RepositoryPattern, ...]
    """Patterns of the repositories whose previews may reach them, as in `[repos] allow`; required."""
    cidrs: tuple[Annotated[str, AfterValidator(_network)], ...]
    """The networks, such as `10.2.0.0/16`, or `10.2.0.7/32` for one machine; required."""
    environments: tuple[EnvironmentPattern, ...] = ("*",)
    """Patterns of the environments that may, such as `staging` or `qa-*`."""
    resolvers: tuple[Annotated[str, AfterValidator(_address)], ...] = ()
    """DNS servers that the containers ask on port 53, on Docker; without any, they know only the names of
    their own environment. In a cluster they ask those of `[kubernetes]`."""

    def rule(self, name: str) -> EgressRule:
        """Return which previews may reach what."""
        return EgressRule(name, self.repos, self.cidrs, self.environments, self.resolvers)

    def problems(self, allowed: Sequence[str], *, firewall: bool) -> Iterator[tuple[str, str]]:
        """Yield what is wrong besides the types: keys, and messages.

        `allowed` are those of `[repos]`; `firewall` is whether rules can keep containers from the rest.
        """
        for key in ("repos", "cidrs", "environments"):
            if not getattr(self, key):
                yield key, "must not be empty"
        for position, pattern in enumerate(self.repos):
            if problem := misplaced(pattern, self.repos[:position], allowed):
                yield "repos", f'"{pattern}" {problem}'
        if not firewall:
            yield "cidrs", "[docker] firewall is off: nothing would keep containers from other networks"
