"""What the bot finds of its own at a runner, whether or not the store still knows of it."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bot.model.environment import EnvironmentKey
from bot.model.forge import RepoPath


class ItemKind(StrEnum):
    """What an item is, in the order in which to remove items."""

    TESTS = "tests"
    """Something that runs a suite."""
    CONTAINER = "container"
    """Part of an environment."""
    NETWORK = "network"
    NAMESPACE = "namespace"
    """A whole environment in a cluster."""
    IMAGE = "image"
    LAYER = "layer"
    """An image that no name leads to any more: what a build has left."""


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that carries this bot's labels. `id` is its runner's own word for it."""

    kind: ItemKind
    id: str
    name: str
    """For people; hostile text where a pull request chose it."""
    repo: RepoPath
    number: int
    environment: str = ""
    run: int = 0
    """The run that made it; 0 where it does not say."""
    made_at: datetime | None = None
    expires: datetime | None = None
    """Until when it says that it lives, to the second; None where it says nothing."""

    @property
    def key(self) -> EnvironmentKey:
        """The environment that it belongs to."""
        return EnvironmentKey(self.repo, self.number, self.environment)
