"""Images in the engine: inspected, pulled, pushed and removed."""

import logging
import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from bot.core.admission.images import name_of
from bot.model.errors import ChatOpsError, RetryLater, TellUser
from bot.model.holder import Holder
from bot.model.reason import Reason
from bot.runners.build_failure import host_unknown, plain, push_failed
from bot.runners.docker.credentials import Credentials
from bot.runners.docker.engine import DockerEngine, EngineFault, EngineRefused
from bot.runners.docker.labels import matching, parted
from bot.runners.lines import LogWriter

log = logging.getLogger(__name__)

# Names come from pull requests too, and become part of a path of the engine's API.
_REFERENCE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/@-]{0,511}", re.ASCII)
_ABSENT = re.compile(
    r"(?i)not found|manifest unknown|does not exist|denied|unauthorized|authentication required"
    r"|no basic auth"
)
_LOGGED = re.compile(r"^(Pushed|Layer already exists|Mounted from .*|Pull complete|Already exists)$")


class Images:
    """The engine's images, and its access to registries."""

    def __init__(self, engine: DockerEngine, credentials: Credentials) -> None:
        self._engine = engine
        self._credentials = credentials

    async def inspect(self, reference: str) -> dict[str, Any] | None:
        """Return the engine's description of an image; None if the engine does not have it.

        Raises TellUser(IMAGE_MISSING) for an invalid name.
        """
        if not _REFERENCE.fullmatch(reference) or "//" in reference or ".." in reference:
            raise TellUser(Reason.IMAGE_MISSING, {"image": reference})
        try:
            found: dict[str, Any] = await self._engine.get(f"/images/{reference}/json")
        except EngineRefused as refused:
            if refused.status == HTTPStatus.NOT_FOUND:
                return None
            raise
        return found

    async def ensure(
        self, reference: str, writer: LogWriter, *, own: str, missing: Reason = Reason.IMAGE_MISSING
    ) -> dict[str, Any]:
        """Return the description of an image, which is pulled if the engine does not have it.

        The bot's account is used for images of the repository `own`, and for those of all repositories.

        Raises TellUser(`missing` | IMAGE_HOST_UNKNOWN),
        RetryLater(REGISTRY_UNAVAILABLE | ENGINE_UNAVAILABLE).
        """
        found = await self.inspect(reference)
        if found is None:
            writer.line(f"pulling {reference}")
            await self._pull(reference, writer, own, missing)
            found = await self.inspect(reference)
        if found is None:
            raise TellUser(missing, {"image": reference})
        return found

    async def _pull(self, reference: str, writer: LogWriter, own: str, missing: Reason) -> None:
        name, tag = name_and_tag(reference)
        headers = await self._credentials.to_pull(reference, own)
        params = {"fromImage": name, "tag": tag}
        try:
            async with self._engine.open(
                "POST", "/images/create", params=params, headers=headers
            ) as response:
                async for message in self._engine.messages(response):
                    _log(message, writer)
                    if "error" in message:
                        raise _pull_failed(reference, str(message["error"]), missing)
        except (EngineRefused, EngineFault) as error:
            if not error.status:
                raise
            raise _pull_failed(reference, error.message, missing) from error

    async def push(self, tag: str, writer: LogWriter) -> str:
        """Push an image and return its digest; raises as `Builder.push` does."""
        name, label = name_and_tag(tag)
        headers = await self._credentials.to_push(tag)
        digest = ""
        path = f"/images/{name}/push"
        async with self._engine.open("POST", path, params={"tag": label}, headers=headers) as response:
            async for message in self._engine.messages(response):
                _log(message, writer)
                if "error" in message:
                    raise push_failed(name, str(message["error"]))
                digest = _digest(message) or digest
        if not digest:
            raise RetryLater(Reason.REGISTRY_UNAVAILABLE, {"message": "the push ended without a digest"})
        return digest

    async def remove(self, wanted: Mapping[str, str], holder: Holder) -> None:
        """Remove every image with these labels, dangling or not, except newer ones and those in use."""
        ids: set[str] = set()
        for dangling in ("false", "true"):
            filters = matching(wanted) | {"dangling": [dangling]}
            found = await self._engine.short(lambda api, f=filters: api.images(filters=f))  # type: ignore[misc]
            ids |= {str(image["Id"]) for image in parted(found, holder)[0]}
        for image in sorted(ids):
            await self._remove(image)

    async def remove_one(self, image: str) -> bool:
        """Remove an image by its id, with all its tags; False if it is in use."""
        await self._remove(image)
        return await self.inspect(image) is None

    async def _remove(self, image: str) -> None:
        """Remove one image with all its tags, unless a container or another image needs it."""
        try:
            await self._engine.short(lambda api: api.remove_image(image, force=True))
        except EngineRefused as refused:
            # 404: removed together with another image. 409: a container runs from it, or it has a child.
            log.debug("image %s is kept: %s", image, refused.message)


def name_and_tag(reference: str) -> tuple[str, str]:
    """Split a reference into its name and its tag or digest.

    >>> name_and_tag("host:5000/a/b:1"), name_and_tag("a@sha256:0f"), name_and_tag("host:5000/a")
    (('host:5000/a/b', '1'), ('a', 'sha256:0f'), ('host:5000/a', 'latest'))
    """
    name = name_of(reference)
    return name, reference.partition("@")[2] or reference[len(name) + 1 :] or "latest"


def exposed_ports(image: Mapping[str, Any]) -> tuple[int, ...]:
    """Return the TCP ports that an inspected image EXPOSEs, in ascending order."""
    exposed = (image.get("Config") or {}).get("ExposedPorts") or {}
    pairs = (port.partition("/") for port in exposed)
    return tuple(sorted(int(number) for number, _, kind in pairs if kind in {"", "tcp"} and number.isdigit()))


def _pull_failed(reference: str, message: str, missing: Reason) -> ChatOpsError:
    if unknown := host_unknown(reference, message):
        return unknown
    if _ABSENT.search(message):
        return TellUser(missing, {"image": reference}, log=plain(message))
    return RetryLater(Reason.REGISTRY_UNAVAILABLE, {"message": plain(message)})


def _log(message: Mapping[str, Any], writer: LogWriter) -> None:
    status = str(message.get("status", ""))
    if _LOGGED.match(status):
        writer.line(f"{str(message.get('id', ''))[:12]}: {status}")


def _digest(message: Mapping[str, Any]) -> str:
    aux = message.get("aux")
    return str(aux.get("Digest", "")) if isinstance(aux, Mapping) else ""
