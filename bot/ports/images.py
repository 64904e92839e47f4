"""How images are made, and where they are kept."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from bot.model.forge import RepoPath
from bot.model.run import Image
from bot.ports.surroundings import Log


@dataclass(frozen=True, slots=True)
class BuildOrder:
    """One image to build. `tag` is `repository:tag` with its registry."""

    tag: str
    dockerfile: str
    """Path inside the context."""
    target: str | None
    args: Mapping[str, str]
    labels: Mapping[str, str]
    context: Path
    """A tar."""


@dataclass(frozen=True, slots=True)
class Built:
    """A local image: engine id, bytes on disk, and the ports that it EXPOSEs."""

    id: str
    size: int
    ports: tuple[int, ...]


class Builder(Protocol):
    """Makes images and pushes them."""

    async def build(self, order: BuildOrder, log: Log) -> Built:
        """Build; cancelling the task stops the build where it goes on.

        Raises RetryLater(ENGINE_UNAVAILABLE | REGISTRY_UNAVAILABLE),
        TellUser(BUILD_FAILED | NO_DOCKERFILE |
        DOCKERFILE_INVALID | TARGET_UNKNOWN | BASE_IMAGE_MISSING).
        """
        ...

    async def push(self, tag: str, log: Log) -> str:
        """Push and return the manifest's digest.

        Raises RetryLater(REGISTRY_UNAVAILABLE | ENGINE_UNAVAILABLE), GiveUp(REGISTRY_DENIED).
        """
        ...


@dataclass(frozen=True, slots=True)
class TagRemoval:
    """What became of the tags of a pull request."""

    removed: int = 0
    kept: Mapping[str, str] = field(default_factory=dict)
    """Why the registry keeps a tag, by tag: a rule of its operator's, such as immutability."""


class Registry(Protocol):
    """Where images are pushed."""

    async def prepare(self, repo: RepoPath) -> None:
        """See to it that images of this repository can be pushed.

        Raises RetryLater(REGISTRY_UNAVAILABLE), GiveUp(REGISTRY_DENIED).
        """
        ...

    def tag_for(self, repo: RepoPath, number: int, sha: str) -> str:
        """Return `registry/repository:pr-12-<sha8>`."""
        ...

    async def examine(self, image: Image, log: Log) -> Image:
        """Return a pushed image with what the registry knows of it.

        That is its size, if nobody else could tell, and what the registry's scanner found, if it has one.
        Waits for a scan only so long; what is not known then is left out.
        Raises RetryLater(REGISTRY_UNAVAILABLE), GiveUp(REGISTRY_DENIED).
        """
        ...

    async def tagged(self, repo: RepoPath) -> frozenset[int]:
        """Return the pull requests that have tags such as `pr-12-<sha8>` there.

        Raises RetryLater(REGISTRY_UNAVAILABLE), GiveUp(REGISTRY_DENIED).
        """
        ...

    async def remove_tags(self, repo: RepoPath, number: int) -> TagRemoval:
        """Delete the pull request's tags without touching what others share.

        Raises RetryLater(REGISTRY_UNAVAILABLE), GiveUp(REGISTRY_DENIED).
        """
        ...

    async def ping(self) -> str | None:
        """Return None when the registry answers, else what is wrong."""
        ...
