"""Resources with the bot's labels at a runner, whether or not the store knows them."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bot.model.environment import EnvironmentKey, PublicService
from bot.model.forge import RepoPath
from bot.model.holder import Holder


class ItemKind(StrEnum):
    """Kind of an item, in the order in which items are removed."""

    TESTS = "tests"
    """A container or pod that runs a suite."""
    CONTAINER = "container"
    """Part of an environment."""
    NETWORK = "network"
    VOLUME = "volume"
    """Data that is kept for the next deployment."""
    NAMESPACE = "namespace"
    """A whole environment in a cluster."""
    IMAGE = "image"
    LAYER = "layer"
    """An image without a name, left over by a build."""


@dataclass(frozen=True, slots=True)
class Item:
    """A resource with this bot's labels. `id` is its identifier at the runner."""

    kind: ItemKind
    id: str
    name: str
    """Name for people; hostile text if a pull request chose it."""
    repo: RepoPath
    number: int
    environment: str = ""
    run: int = 0
    """The run that created it, 0 if unknown."""
    made_at: datetime | None = None
    expires: datetime | None = None
    """When it expires by its label, to the second; None if it has no such label."""
    attempt: int = 0
    """The attempt of the run that created it."""
    store: str = ""
    """Identity of the store whose bot created it; empty if an earlier version of the bot did."""
    sha: str = ""
    """The commit that the run was about."""
    host: str = ""
    """Host label of the environment; empty if an earlier version of the bot created the item."""
    public: tuple[PublicService, ...] = ()
    """Public services of the environment, as they were deployed."""
    owned_by: str = ""
    """Identity of the store whose bot owns it, as that bot has said; empty if none has."""
    owned_until: datetime | None = None
    """Until when that bot owns it, unless it says so again."""

    keeps_data: bool = False
    """Whether it has data for later deployments, so that it outlives one that has failed."""
    starting: bool = False
    """Whether its deployment has not taken over yet from the one that answers, as far as the runner knows."""

    @property
    def key(self) -> EnvironmentKey:
        """The environment that it belongs to."""
        return EnvironmentKey(self.repo, self.number, self.environment)

    @property
    def holder(self) -> Holder:
        """The run and attempt that created it."""
        return Holder(self.run, self.attempt, self.store)
