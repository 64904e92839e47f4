"""Building images, and the registry that stores them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from bot.core.admission.builds import BuildPolicy
from bot.model.forge import RepoPath
from bot.model.run import Image
from bot.model.secrets import SecretValue
from bot.ports.surroundings import Log


@dataclass(frozen=True, slots=True)
class BuildOrder:
    """An image to build. `tag` is `repository:tag` with its registry."""

    tag: str
    dockerfile: str
    """Path inside the context."""
    target: str | None
    args: Mapping[str, str]
    labels: Mapping[str, str]
    context: Path
    """A tar."""
    text: bytes | None = None
    """The Dockerfile as it was checked, which counts instead of the one in the tar; None for that one."""
    policy: BuildPolicy | None = None
    """What the engine may fetch; None for everything."""
    cache: str = ""
    """Namespace of caches, which is among `args` for cache mounts; builds with the same one share them."""
    cache_tag: str = "buildcache"
    """Tag of the cache in the registry."""
    secrets: Sequence[SecretValue] = ()
    """What `RUN --mount=type=secret` gets, by the id that is the secret's name."""


@dataclass(frozen=True, slots=True)
class Built:
    """A local image: engine id, bytes on disk, and the ports that it EXPOSEs."""

    id: str
    size: int
    ports: tuple[int, ...]


class Builder(Protocol):
    """Builds images and pushes them."""

    async def build(self, order: BuildOrder, log: Log) -> Built:
        """Build an image; cancelling the task stops the build in the engine.

        Raises RetryLater(ENGINE_UNAVAILABLE | REGISTRY_UNAVAILABLE),
        TellUser(BUILD_FAILED | NO_DOCKERFILE | DOCKERFILE_INVALID | TARGET_UNKNOWN | BASE_IMAGE_MISSING |
        IMAGE_HOST_UNKNOWN).
        """
        ...

    async def push(self, tag: str, log: Log) -> str:
        """Push and return the manifest's digest.

        Raises RetryLater(REGISTRY_UNAVAILABLE | ENGINE_UNAVAILABLE), GiveUp(REGISTRY_DENIED).
        """
        ...


@dataclass(frozen=True, slots=True)
class TagRemoval:
    """Result of removing the tags of a pull request."""

    removed: int = 0
    kept: Mapping[str, str] = field(default_factory=dict)
    """Tags that the registry refuses to delete, with the reason, such as a rule that makes them immutable."""


class Registry(Protocol):
    """The registry to which images are pushed."""

    async def prepare(self, repo: RepoPath) -> None:
        """Prepare the registry so that images of this repository can be pushed.

        Raises RetryLater(REGISTRY_UNAVAILABLE), GiveUp(REGISTRY_DENIED).
        """
        ...

    def tag_for(self, repo: RepoPath, number: int, sha: str, image: str = "") -> str:
        """Return `registry/repository:pr-12-<sha8>`, or `registry/repository/image:…` for a named image."""
        ...

    async def has(self, image: Image) -> bool:
        """Return whether an image that was pushed can still be pulled, by its digest.

        Raises RetryLater(REGISTRY_UNAVAILABLE), GiveUp(REGISTRY_DENIED).
        """
        ...

    async def examine(self, image: Image, log: Log) -> Image:
        """Return a pushed image with its size, if it was unknown, and the result of the registry's scanner.

        Waits a limited time for the scan; without a result by then, the image has none.
        Raises RetryLater(REGISTRY_UNAVAILABLE), GiveUp(REGISTRY_DENIED).
        """
        ...

    async def tagged(self, repo: RepoPath) -> frozenset[int]:
        """Return the numbers of the pull requests that have tags such as `pr-12-<sha8>` on any image.

        Raises RetryLater(REGISTRY_UNAVAILABLE), GiveUp(REGISTRY_DENIED).
        """
        ...

    async def remove_tags(self, repo: RepoPath, number: int, images: Collection[str] = ()) -> TagRemoval:
        """Delete the tags of a pull request, but nothing that other tags share.

        `images` are the names of those that are known; others are found where the registry lists them.

        Raises RetryLater(REGISTRY_UNAVAILABLE), GiveUp(REGISTRY_DENIED).
        """
        ...

    async def ping(self) -> str | None:
        """Return None when the registry answers, else what is wrong."""
        ...
