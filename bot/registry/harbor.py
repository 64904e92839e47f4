"""Harbor: creates missing projects, waits for vulnerability scans, and deletes single tags.

Images are pushed and pulled as with every registry; this module does what only Harbor's own API can do.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from bot.model.errors import ChatOpsError, GiveUp
from bot.model.forge import RepoPath
from bot.model.run import Image
from bot.ports import Log, TagRemoval
from bot.registry.base import BaseRegistry, RegistryOptions
from bot.registry.harbor_api import HarborApi
from bot.registry.harbor_reading import Artifact, ScanState, unhealthy

log = logging.getLogger(__name__)

PAUSE = 1.0
"""Seconds between two checks of a scan."""
NEEDED = frozenset({"core", "database", "redis", "registry"})
"""Components of Harbor that a push needs."""

# https://github.com/goharbor/harbor/blob/main/src/common/rbac/const.go
PERMISSIONS = (
    ("repository", "pull"),
    ("repository", "push"),
    ("artifact", "read"),
    ("artifact", "list"),
    ("artifact", "delete"),
    ("tag", "delete"),
    ("scan", "create"),
)
"""Permissions that the bot needs in its project."""


@dataclass(frozen=True, slots=True)
class RepositoryLocation:
    """A repository in Harbor's API: the first part of its path is the project."""

    project: str
    repository: str

    @classmethod
    def of(cls, name: str) -> "RepositoryLocation":
        """Split a path such as `previews/team/shop`."""
        project, _, repository = name.partition("/")
        return cls(project, repository)


class HarborRegistry(BaseRegistry):
    """The `Registry` of one Harbor; the project of the options is the first part of every image's path.

    Without one, each owner of repositories gets a project of their own. Scans are waited for at most
    `scan_seconds`; 0 neither starts nor waits for one.
    """

    def __init__(
        self,
        options: RegistryOptions,
        *,
        scan_seconds: int = 60,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._api = HarborApi(options)
        super().__init__(options, self._api)
        self._scan_seconds = scan_seconds
        self._sleep = sleep

    async def prepare(self, repo: RepoPath) -> None:
        """Create a private project if it does not exist; see `Registry.prepare`."""
        project = self._location(repo).project
        if not await self._api.has_project(project):
            await self._api.create_project(project)

    async def has(self, image: Image) -> bool:
        """Return whether Harbor has the image's digest; see `Registry.has`."""
        location = RepositoryLocation.of(self._path_of(image))
        return await self._api.artifact(location.project, location.repository, image.digest) is not None

    async def examine(self, image: Image, log: Log) -> Image:
        """Return the image with its size and the result of its scan; see `Registry.examine`."""
        location = RepositoryLocation.of(self._path_of(image))
        found = await self._api.artifact(location.project, location.repository, image.digest)
        if found is None:
            log.note(f"{image.reference} is not in Harbor")
            return image
        if self._scan_seconds:
            found = await self._scanned(location, found, log)
        return replace(image, size=image.size or found.size, scan=found.scan)

    async def _below(self, prefix: str) -> list[str]:
        location = RepositoryLocation.of(prefix)
        return [
            name
            for name in await self._api.repositories(location.project, location.repository)
            if name.startswith(prefix)
        ]

    async def _tags(self, path: str) -> list[str]:
        location = RepositoryLocation.of(path)
        artifacts = await self._api.artifacts(location.project, location.repository)
        return [tag for artifact in artifacts for tag in artifact.tags]

    async def _remove_tags(self, path: str, prefix: str) -> TagRemoval:
        """Delete the tags with this prefix in one repository.

        Deleting an artifact deletes all its tags, even those added since it was listed. So tags are deleted
        one by one, and an artifact only when it has none.
        """
        location = RepositoryLocation.of(path)
        removed = 0
        kept: dict[str, str] = {}
        for artifact in await self._api.artifacts(location.project, location.repository):
            ours = [tag for tag in artifact.tags if tag.startswith(prefix)]
            refused = await self._untag(location, artifact.digest, ours)
            removed += len(ours) - len(refused)
            kept |= refused
            if ours and not refused and len(ours) == len(artifact.tags):
                await self._discard(location, artifact.digest)
        return TagRemoval(removed, kept)

    async def ping(self) -> str | None:
        """Return what is wrong with Harbor, if anything is."""
        try:
            health = await self._api.health()
            if not health.is_success or "json" not in health.headers.get("Content-Type", ""):
                return f"{self._host} is not a Harbor: {health.status_code}"
            if parts := unhealthy(health.json(), NEEDED):
                return f"{self._host}: unhealthy: {', '.join(parts)}"
            # The name does not matter: this checks whether the account may ask.
            await self._api.has_project(self._project or "library")
        except GiveUp:
            return f"{self._host} does not accept these credentials"
        except ChatOpsError as error:
            return error.facts["message"]
        return None

    async def missing_permissions(self) -> tuple[str, ...] | None:
        """Return the permissions that the account lacks; None if the project does not exist."""
        number = await self._api.project_id(self._project)
        if number is None:
            return None
        allowed = await self._api.permissions(number)
        return tuple(
            f"{resource}:{action}" for resource, action in PERMISSIONS if (resource, action) not in allowed
        )

    def _location(self, repo: RepoPath) -> RepositoryLocation:
        return RepositoryLocation.of(self._path(repo))

    async def _scanned(self, location: RepositoryLocation, found: Artifact, log: Log) -> Artifact:
        """Wait for the scan of an artifact, started if necessary; return the artifact with its result."""
        asked = False
        for _ in range(max(1, int(self._scan_seconds / PAUSE))):
            if found.scan_state is ScanState.DONE:
                return found
            refusal = await self._ensure_scan(location, found, asked=asked)
            if refusal is not None:
                log.note(f"no vulnerability scan: {refusal}")
                return found
            asked = True
            await self._sleep(PAUSE)
            found = await self._api.artifact(location.project, location.repository, found.digest) or found
        if found.scan_state is not ScanState.DONE:
            log.note(f"the vulnerability scan has not finished after {self._scan_seconds} s")
        return found

    async def _ensure_scan(self, location: RepositoryLocation, found: Artifact, *, asked: bool) -> str | None:
        """Start a scan unless one is running; return why there will be none, or None."""
        if found.scan_state is ScanState.RUNNING or (asked and found.scan_state is ScanState.NONE):
            return None
        if asked:
            return "the scanner failed"
        return await self._api.start_scan(location.project, location.repository, found.digest)

    async def _untag(self, location: RepositoryLocation, digest: str, tags: list[str]) -> dict[str, str]:
        """Delete tags; return the reason by tag for those that are kept."""
        refused: dict[str, str] = {}
        for tag in tags:
            refusal = await self._api.delete_tag(location.project, location.repository, digest, tag)
            if refusal is not None:
                log.warning("%s/%s:%s is kept: %s", location.project, location.repository, tag, refusal)
                refused[tag] = refusal
        return refused

    async def _discard(self, location: RepositoryLocation, digest: str) -> None:
        """Delete an artifact that has no tags; Harbor keeps one that an index refers to."""
        found = await self._api.artifact(location.project, location.repository, digest)
        if found is None or found.tags:
            return
        refusal = await self._api.delete_artifact(location.project, location.repository, digest)
        if refusal is not None:
            log.info("%s/%s@%s is kept: %s", location.project, location.repository, digest, refusal)
