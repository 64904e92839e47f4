"""Gives containers their secrets as files in memory, `/run/secrets/NAME`.

A container beside the one that needs them holds a volume in memory, and does nothing else: without it the
files would be lost as soon as the other one restarts. What the engine stores of both containers, their
layers and their configuration, contains no secret.
"""

import io
import tarfile
from collections.abc import Mapping, Sequence
from typing import Any

from bot.model.errors import GiveUp
from bot.model.reason import Reason
from bot.model.secrets import SecretValue
from bot.runners.cleanup import uninterrupted
from bot.runners.docker.container import NO_CORE_FILE
from bot.runners.docker.containers import Containers
from bot.runners.docker.engine import DockerEngine, EngineRefused
from bot.runners.docker.pause import program

FOLDER = "/run/secrets"
IMAGE = "chatops-secrets"
HOLDER = ".secrets"
"""How the name of a container ends that only holds secrets."""
TAG = "1"
"""Version of the program in the image."""
_MEMORY = 6 << 20
"""Bytes for the program, the least that engines accept; the files do not count."""
_PROGRAM = "pause"


def holder_of_secrets(container: str) -> str:
    """Return the name of the container that holds another one's secrets; no service has a name with a dot."""
    return f"{container}{HOLDER}"


class SecretFiles:
    """Holds secrets for containers of one engine."""

    def __init__(self, engine: DockerEngine, containers: Containers) -> None:
        self._engine = engine
        self._containers = containers

    async def hold(
        self, name: str, secrets: Sequence[SecretValue], image: Mapping[str, Any], labels: Mapping[str, str]
    ) -> str:
        """Create and start a container with these labels that holds files; empty if there are none.

        Returns its id for `ContainerSpec.volumes_from`. `image` is the engine's description of the image
        that reads them.
        """
        files = [one for one in secrets if not one.variable]
        if not files:
            return ""
        container = await self._containers.create(name, _configuration(await self._image(), files, labels))
        archive = _archive({one.name: one.value for one in files}, *_owner_and_mode(image))
        try:
            await self._containers.start(container)
            await self._engine.short(lambda api: api.put_archive(container, FOLDER, archive))
        except Exception:
            await uninterrupted(self._containers.remove(container))
            raise
        return container

    async def _image(self) -> str:
        """Return the name of the image with the program, which is imported if it is not there."""
        name = f"{IMAGE}:{TAG}"
        try:
            await self._engine.get(f"/images/{name}/json")
        except EngineRefused:
            architecture = str((await self._engine.version())["Arch"])
            code = program(architecture)
            if code is None:
                what = f"secrets on an engine for {architecture}"
                raise GiveUp(Reason.NOT_SUPPORTED, {"what": what}) from None
            content = _archive({_PROGRAM: code}, 0, 0o555)
            await self._engine.short(
                lambda api: api.import_image_from_data(content, repository=IMAGE, tag=TAG)
            )
        return name


def _configuration(image: str, files: Sequence[SecretValue], labels: Mapping[str, str]) -> dict[str, Any]:
    size = sum(-(-len(one.value) // 4096) * 4096 for one in files) + (64 << 10)
    options = {"type": "tmpfs", "device": "tmpfs", "o": f"size={size},mode=0755"}
    volume = {
        "Type": "volume",
        "Target": FOLDER,
        "VolumeOptions": {"NoCopy": True, "DriverConfig": {"Name": "local", "Options": options}},
    }
    return {
        "Image": image,
        "Entrypoint": [f"/{_PROGRAM}"],
        "Labels": dict(labels),
        "NetworkDisabled": True,
        "HostConfig": {
            "Mounts": [volume],
            "Memory": _MEMORY,
            "MemorySwap": _MEMORY,
            "PidsLimit": 8,
            "Ulimits": [NO_CORE_FILE],
            "NetworkMode": "none",
            "ReadonlyRootfs": True,
            "CapDrop": ["ALL"],
            "SecurityOpt": ["no-new-privileges"],
            "LogConfig": {"Type": "none", "Config": {}},
            # After a restart of the engine the files are gone: the container stays down, so that the
            # environment counts as broken instead of running without its secrets.
            "RestartPolicy": {"Name": "no"},
        },
    }


def _owner_and_mode(image: Mapping[str, Any]) -> tuple[int, int]:
    """Return who may read the files: the image's user alone, or everyone inside if its number is unknown.

    Images that start as root often switch to a user of their own, whose number only they know.
    """
    user = str((image.get("Config") or {}).get("User") or "").partition(":")[0]
    number = int(user) if user.isascii() and user.isdecimal() else 0
    return (number, 0o400) if 0 < number < 1 << 32 else (0, 0o444)


def _archive(files: Mapping[str, bytes], owner: int, mode: int) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode, entry.uid, entry.gid = len(content), mode, owner, 0
            archive.addfile(entry, io.BytesIO(content))
    return packed.getvalue()
