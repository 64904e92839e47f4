"""Any registry with the OCI distribution API, such as docker-registry.

https://github.com/opencontainers/distribution-spec/blob/main/spec.md
Deleting a manifest frees no space until the operator runs the registry's garbage collection.
"""

import asyncio
import itertools
import logging
import re
from collections.abc import AsyncIterator, Collection, Mapping
from dataclasses import replace

import httpx

from bot.model.errors import ChatOpsError, GiveUp
from bot.model.forge import RepoPath
from bot.model.run import Image
from bot.ports import Log, TagRemoval
from bot.registry.authentication import RegistryAuth
from bot.registry.base import BaseRegistry, RegistryClient, RegistryOptions

log = logging.getLogger(__name__)

_LOOPBACK = re.compile(r"(?:localhost|127(?:\.[0-9]{1,3}){3})(?::[0-9]+)?$", re.ASCII)
# Without these, a registry returns the digest of a converted manifest, which cannot be deleted.
MANIFESTS = (
    "application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json, "
    "application/vnd.docker.distribution.manifest.v2+json, "
    "application/vnd.docker.distribution.manifest.list.v2+json"
)
AT_ONCE = 8
"""Most requests at the same time."""
PAGE = 500
"""Tags in each page of a list."""
PAGES = 1_000
TRIAL = "chatops-doctor"
"""Repository of a trial upload. Without a manifest it is never created; docker-registry keeps a few bytes of
the upload until it purges uploads."""


class OciRegistry(BaseRegistry):
    """The `Registry` of one host that speaks the OCI distribution API."""

    def __init__(self, options: RegistryOptions) -> None:
        url = options.url or f"{scheme(options.host)}://{options.host}"
        auth = RegistryAuth(options.username, options.password)
        super().__init__(options, RegistryClient(options, url, auth=auth))
        self._gate = asyncio.Semaphore(AT_ONCE)

    async def prepare(self, repo: RepoPath) -> None:
        """Do nothing: repositories are created by the first push."""

    async def has(self, image: Image) -> bool:
        """Return whether the registry has the image's digest; see `Registry.has`."""
        return bool(await self._digest(self._path_of(image), image.digest))

    async def examine(self, image: Image, log: Log) -> Image:  # noqa: ARG002 - nothing to wait for
        """Return the image with its size, if it is not known; see `Registry.examine`."""
        if image.size:
            return image
        return replace(image, size=await self._size(self._path_of(image), image.digest))

    async def _remove_tags(self, path: str, prefix: str) -> TagRemoval:
        name, tags = path, await self._tags(path)
        if not any(tag.startswith(prefix) for tag in tags):
            return TagRemoval()
        digests = await self._digests(name, tags)
        removed = 0
        kept: dict[str, str] = {}
        for digest, named in deletable(digests, prefix).items():
            if await self._delete(name, digest):
                removed += len(named)
            else:
                kept |= dict.fromkeys(named, "the registry does not allow deleting")
        return TagRemoval(removed, kept)

    async def ping(self) -> str | None:
        """Return what is wrong with the registry, if anything is."""
        try:
            response = await self._client.ask("GET", "/v2/")
        except ChatOpsError as error:
            return error.facts.get("message") or f"{self._host} does not accept these credentials"
        return None if response.is_success else f"{self._host} is not a registry: {response.status_code}"

    async def may_push(self) -> bool:
        """Return whether the account may push, by an upload that is started and cancelled."""
        name = "/".join(part for part in (self._project.strip("/"), TRIAL) if part)
        try:
            begun = await self._client.ask("POST", f"/v2/{name}/blobs/uploads/", name)
        except GiveUp:
            return False
        if location := begun.headers.get("Location"):
            await self._client.ask("DELETE", httpx.URL(location).raw_path.decode(), name)
        return begun.is_success

    async def _below(self, prefix: str) -> list[str]:
        """Return the repositories that the catalog lists right after the prefix."""
        found: list[str] = []
        async for names in self._pages(f"/v2/_catalog?n={PAGE}&last={prefix}", prefix, "repositories"):
            found += itertools.takewhile(lambda name: name.startswith(prefix), names)
            if not names or not names[-1].startswith(prefix):
                break
        return found

    async def _tags(self, path: str) -> list[str]:
        pages = self._pages(f"/v2/{path}/tags/list?n={PAGE}", path, "tags")
        return [tag async for tags in pages for tag in tags]

    async def _pages(self, url: str | None, subject: str, key: str) -> AsyncIterator[list[str]]:
        """Yield the pages of a list; none if it does not exist."""
        for _ in range(PAGES):
            if url is None:
                break
            response = await self._client.ask("GET", url, subject)
            if response.status_code == httpx.codes.NOT_FOUND:
                break
            yield _json_names(response, key)
            url = _next(response)

    async def _digests(self, name: str, tags: Collection[str]) -> dict[str, str]:
        found = await asyncio.gather(*(self._digest(name, tag) for tag in tags))
        return {tag: digest for tag, digest in zip(tags, found, strict=True) if digest}

    async def _digest(self, name: str, tag: str) -> str:
        async with self._gate:
            path = f"/v2/{name}/manifests/{tag}"
            response = await self._client.ask("HEAD", path, name, headers={"Accept": MANIFESTS})
        return str(response.headers.get("Docker-Content-Digest", "")) if response.is_success else ""

    async def _size(self, name: str, digest: str) -> int:
        """Return the size of an image's compressed layers in bytes; 0 for an index of several images."""
        response = await self._client.ask(
            "GET", f"/v2/{name}/manifests/{digest}", name, headers={"Accept": MANIFESTS}
        )
        return _layers(response) if response.is_success else 0

    async def _delete(self, name: str, digest: str) -> bool:
        response = await self._client.ask("DELETE", f"/v2/{name}/manifests/{digest}", name)
        if response.status_code == httpx.codes.METHOD_NOT_ALLOWED:
            log.warning("%s does not allow deleting: the tags of %s are kept", self._host, name)
        return response.is_success


def scheme(host: str) -> str:
    """Return the scheme of a registry by Docker's rule: http on this machine, otherwise https.

    >>> scheme("127.0.0.1:5000"), scheme("localhost"), scheme("harbor.example.com")
    ('http', 'http', 'https')
    """
    return "http" if _LOOPBACK.match(host) else "https"


def deletable(digests: Mapping[str, str], prefix: str) -> dict[str, list[str]]:
    """Return the digests whose tags all have the prefix, with their tags.

    Deleting a manifest deletes all its tags, even a release tag of the same image.
    """
    tags: dict[str, list[str]] = {}
    for tag, digest in digests.items():
        tags.setdefault(digest, []).append(tag)
    return {digest: named for digest, named in tags.items() if all(tag.startswith(prefix) for tag in named)}


def _json_names(response: httpx.Response, key: str) -> list[str]:
    try:
        return [str(name) for name in response.json().get(key) or []]
    except (ValueError, AttributeError):
        return []


def _layers(response: httpx.Response) -> int:
    try:
        return sum(int(layer["size"]) for layer in response.json().get("layers", ()))
    except (ValueError, AttributeError, KeyError, TypeError):
        return 0


def _next(response: httpx.Response) -> str | None:
    link = response.links.get("next", {}).get("url")
    # Only the path is used: a registry behind a proxy may not know its own address.
    return httpx.URL(link).raw_path.decode() if link else None
