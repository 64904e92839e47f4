"""The ways out of previews: networks outside of an environment that it may reach."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class EgressRule:
    """Which networks the previews of some repositories may reach, as the operator says."""

    name: str
    repos: tuple[str, ...]
    """Patterns of repositories, as in `[repos] allow`."""
    cidrs: tuple[str, ...]
    """Networks in CIDR notation."""
    environments: tuple[str, ...] = ("*",)
    """Patterns of environments."""
    resolvers: tuple[str, ...] = ()
    """Addresses of the DNS servers that the containers ask; without them, they know only their own names."""
