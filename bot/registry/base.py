"""What registries of every kind have in common: address and account, names of images, and an HTTP client."""

import logging
from abc import ABC, abstractmethod
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any, Self

import httpx

from bot.core import naming
from bot.core.admission.images import name_of
from bot.model.errors import GiveUp
from bot.model.forge import RepoPath
from bot.model.run import Image
from bot.ports import TagRemoval
from bot.registry.responses import accepted, unreachable

log = logging.getLogger(__name__)

TIMEOUT = 30.0
"""Seconds to wait for a connection, and for each piece of an answer."""


@dataclass(frozen=True, slots=True)
class RegistryOptions:
    """Where a registry is, and the bot's account there."""

    host: str
    """The registry, as image names begin with it."""
    project: str = ""
    """Path before the name of every repository; in Harbor the project."""
    username: str = ""
    password: str = field(default="", repr=False)
    url: str = ""
    """Its address; by default that of the host."""
    verify: bool = True
    """Whether its certificate has to be valid."""
    transport: httpx.AsyncBaseTransport | None = None


class RegistryClient:
    """Sends requests to a registry. Raises RetryLater(REGISTRY_UNAVAILABLE) and GiveUp(REGISTRY_DENIED)."""

    def __init__(
        self,
        options: RegistryOptions,
        base_url: str,
        *,
        auth: httpx.Auth | None = None,
        cookies: Any = None,
    ) -> None:
        self.host = httpx.URL(base_url).netloc.decode()
        self._client = httpx.AsyncClient(
            base_url=base_url,
            auth=auth,
            cookies=cookies,
            verify=options.verify,
            timeout=TIMEOUT,
            transport=options.transport,
        )

    async def close(self) -> None:
        """Close every connection."""
        await self._client.aclose()

    async def ask(
        self, method: str, path: str, subject: str = "", *, refusable: bool = False, **extra: Any
    ) -> httpx.Response:
        """Return the answer, unless the registry denies access or fails; errors name the `subject`.

        With `refusable` the caller decides what a 403 means.
        """
        try:
            response = await self._client.request(method, path, **extra)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise unreachable(self.host, error) from error
        if refusable and response.status_code == httpx.codes.FORBIDDEN:
            return response
        return accepted(response, f"{self.host}/{subject}".rstrip("/"))


class BaseRegistry(ABC):
    """The part of `Registry` that is the same for every kind; closed on leaving a `with` block."""

    def __init__(self, options: RegistryOptions, client: RegistryClient) -> None:
        self._host = options.host
        self._project = options.project
        self._client = client

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close every connection."""
        await self._client.close()

    def tag_for(self, repo: RepoPath, number: int, sha: str, image: str = "") -> str:
        """Return the full name of a commit's image; see `Registry.tag_for`."""
        return f"{self._host}/{self._path(repo, image)}:{naming.tag(number, sha)}"

    async def tagged(self, repo: RepoPath) -> frozenset[int]:
        """Return the pull requests that have tags; see `Registry.tagged`."""
        paths = await self._paths(repo)
        tags = [tag for path in paths for tag in await self._tags(path)]
        return frozenset(number for tag in tags if (number := naming.tagged(tag)) is not None)

    async def remove_tags(self, repo: RepoPath, number: int, images: Collection[str] = ()) -> TagRemoval:
        """Delete a pull request's tags; see `Registry.remove_tags`."""
        removals = [
            await self._remove_tags(path, naming.tag_prefix(number))
            for path in await self._paths(repo, images)
        ]
        kept = {tag: why for removal in removals for tag, why in removal.kept.items()}
        return TagRemoval(sum(removal.removed for removal in removals), kept)

    async def _paths(self, repo: RepoPath, images: Collection[str] = ()) -> list[str]:
        """Return the paths of the nameless image of a repository, of these, and of those listed below."""
        own = self._path(repo)
        try:
            listed = await self._below(f"{own}/")
        except GiveUp as error:
            # Accounts may be allowed to use repositories and not to list them.
            log.info("%s: its images are not listed: %s", own, error)
            listed = []
        below = {path for path in listed if "/" not in path.removeprefix(f"{own}/")}
        return [own, *sorted(below | {self._path(repo, image) for image in images if image})]

    @abstractmethod
    async def _below(self, prefix: str) -> list[str]:
        """Return the paths of the repositories that begin with a prefix."""

    @abstractmethod
    async def _tags(self, path: str) -> list[str]:
        """Return the tags of one repository."""

    @abstractmethod
    async def _remove_tags(self, path: str, prefix: str) -> TagRemoval:
        """Delete the tags with this prefix in one repository."""

    def _path(self, repo: RepoPath, image: str = "") -> str:
        """Return the path of a repository's images, such as `previews/team/shop`."""
        return naming.repository(self._project, repo, image)

    def _path_of(self, image: Image) -> str:
        """Return the path of an image, without registry and tag."""
        return name_of(image.reference).removeprefix(f"{self._host}/")
