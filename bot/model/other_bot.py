"""Another bot that comments in a repository that this bot serves."""

from dataclasses import dataclass
from datetime import datetime

from bot.model.forge import RepoPath


@dataclass(frozen=True, slots=True)
class OtherBot:
    """What its latest comment says."""

    repo: RepoPath
    account: str
    name: str
    """Its instance and its store, `chatops/k3f9q2xa`; anybody can have written it."""
    comment_url: str
    seen_at: datetime
    """When it wrote the comment."""
