"""What the operator lets a repository ask for, for one container."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ContainerMaximum:
    """The most that `.chatops.yml` may ask for."""

    memory: str
    """Such as `2g`."""
    cpus: float
