"""The account with which a runner pulls from and pushes to a registry."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class RegistryAccount:
    """An account at one registry."""

    host: str
    """The registry, as image names begin with it, such as `harbor.example.com:8443`."""
    username: str
    password: str = field(repr=False)
