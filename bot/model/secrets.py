"""Secrets of the operator, which steps receive: named in `chatops.toml`, asked for in `.chatops.yml`."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class SecretValue:
    """A secret that a step may have, read when the step starts. It is never stored."""

    name: str
    """As in `chatops.toml` and `.chatops.yml`; also its file name in containers, and its id in builds."""
    value: bytes = field(repr=False)
