"""Copies files of the commit into a container before it starts."""

import io
import re
import tarfile
from collections.abc import Sequence

from bot.model.errors import TellUser
from bot.model.reason import Reason
from bot.ports import CopiedFile
from bot.runners.docker.containers import Containers
from bot.runners.docker.engine import EngineFault, EngineRefused
from bot.runners.lines import clean

_IN_THE_WAY = re.compile(r"(?i)cannot overwrite|not a directory|is a directory|file exists|read-only")
"""What engines say of a file where the image has a folder, and the other way round."""


async def copy_into(containers: Containers, container: str, name: str, files: Sequence[CopiedFile]) -> None:
    """Copy files into a container; folders that are missing are made.

    The engine unpacks them inside of the container's root, so that its links lead nowhere else. Raises
    TellUser(CONTAINER_UNSTARTABLE) if the image has something else there.
    """
    try:
        await containers.unpack(container, _archive(files))
    except (EngineRefused, EngineFault) as error:
        if not _IN_THE_WAY.search(error.message):
            raise
        facts = {"name": name, "message": clean(error.message)}
        raise TellUser(Reason.CONTAINER_UNSTARTABLE, facts) from error


def _archive(files: Sequence[CopiedFile]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for file in files:
            entry = tarfile.TarInfo(file.path.lstrip("/"))
            entry.size, entry.mode = len(file.content), 0o755 if file.executable else 0o644
            archive.addfile(entry, io.BytesIO(file.content))
    return packed.getvalue()
