"""What an ordinary repository contains, and what its preview must answer."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from bot.model.pipeline import ServiceConfig


@dataclass(frozen=True, slots=True)
class Example:
    """A repository with a Dockerfile, without a word for the bot except what `.chatops.yml` must say."""

    name: str
    dockerfile: str
    files: Mapping[str, str | Callable[[], bytes]]
    """By path; a function returns what is not text."""
    says: str
    """A part of the page at `/`."""
    asks: str = ""
    """What a client sends to a service that does not speak HTTP; empty for one that does."""
    services: Mapping[str, ServiceConfig] = field(default_factory=dict)
    setup: tuple[str, ...] = ()
    """Commands that run before the service starts."""
    restricted: str = ""
    """Words in the output of a restricted preview, which fails; empty if that is not tried."""
