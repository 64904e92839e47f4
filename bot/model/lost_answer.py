"""A comment that may not say what the bot believes, because a request to write it got no answer."""

from dataclasses import dataclass
from datetime import datetime

from bot.model.forge import RepoPath


@dataclass(frozen=True, slots=True)
class LostAnswer:
    """The comment with a marker, and when a request to write it was given up."""

    repo: RepoPath
    number: int
    marker: str
    at: datetime
