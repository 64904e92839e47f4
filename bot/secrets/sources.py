"""Reads the operator's secrets whenever a step starts, so that a rotation needs no restart."""

import asyncio
import logging
import os
import stat
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from bot.core.results.masking import SHORTEST, Masker
from bot.model.errors import GiveUp
from bot.model.reason import Reason

logger = logging.getLogger(__name__)

LARGEST = 64 << 10
"""Bytes of a secret."""


class SecretProblem(ValueError):  # noqa: N818 - what is wrong, for the operator
    """A secret cannot be used; the message says why, without its value."""


@dataclass(frozen=True, slots=True)
class SecretSource:
    """Where the value of a secret is: in a file, or in a variable of the bot's own environment."""

    name: str
    file: Path | None = None
    variable: str = ""

    def read(self, environ: Mapping[str, str] = os.environ) -> bytes:
        """Return the value. Raises SecretProblem."""
        where, content = (self.file, _file(self.file)) if self.file else self._of_environment(environ)
        if problem := _problem(content):
            raise SecretProblem(f"{where} {problem}")
        return content

    def _of_environment(self, environ: Mapping[str, str]) -> tuple[str, bytes]:
        where = f"the variable {self.variable}"
        if self.variable not in environ:
            raise SecretProblem(f"{where} is not set")
        return where, environ[self.variable].encode("utf-8", "surrogateescape")


class OperatorSecrets:
    """Implements ports.Secrets: what it returns, `masker` masks from then on, with the bot's own secrets."""

    def __init__(self, sources: Iterable[SecretSource], masker: Masker) -> None:
        self._sources = {source.name: source for source in sources}
        self.masker = masker
        self._learning = threading.Lock()
        """Held while the masker learns: of two threads, one would forget what the other has learned."""

    async def read(self, name: str) -> bytes:
        """Return the present value of a secret; see `Secrets.read`."""
        try:
            return await asyncio.to_thread(self._read, name)
        except (SecretProblem, KeyError) as problem:
            logger.warning("the secret %s cannot be read: %s", name, problem)
            raise GiveUp(Reason.SECRET_UNREADABLE, {"name": name}) from None

    async def learn(self) -> None:
        """Mask the present values of all secrets: another replica may have given one to a step meanwhile."""
        for name in self._sources:
            try:
                await self.read(name)
            except GiveUp:
                continue

    def _read(self, name: str) -> bytes:
        content = self._sources[name].read()
        with self._learning:
            self.masker.learn([content.decode()])
        return content


def _file(path: Path) -> bytes:
    """Return at most one byte more of a file than a secret may have. Raises SecretProblem."""
    try:
        with path.open("rb") as file:
            found = os.fstat(file.fileno())
            if not stat.S_ISREG(found.st_mode):
                raise SecretProblem(f"{path} is not a regular file")
            if found.st_mode & (stat.S_IROTH | stat.S_IWOTH):
                raise SecretProblem(f"{path} can be read by every account; run `chmod o= {path}`")
            return file.read(LARGEST + 1)
    except OSError as error:
        raise SecretProblem(f"{path} cannot be read: {error.strerror}") from error


def _problem(content: bytes) -> str | None:
    """Return what is wrong with a value."""
    if len(content) > LARGEST:
        return f"is larger than {LARGEST >> 10} KiB"
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return "is not UTF-8 text; store binary secrets in base64"
    if "\0" in text:
        return "contains a NUL character"
    if not text.strip():
        return "is empty"
    if not any(len(line) >= SHORTEST for line in text.splitlines()):
        return f"is shorter than {SHORTEST} characters, too short to be masked in logs"
    return None
