"""Reads the operator's secrets whenever a step starts, so that a rotation needs no restart."""

import asyncio
import logging
import os
import stat
import threading
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from bot.core.results.masking import SHORTEST, Masker
from bot.model.errors import ChatOpsError, GiveUp, RetryLater
from bot.model.reason import Reason
from bot.model.secrets import ClusterKey, SecretProblem

logger = logging.getLogger(__name__)

LARGEST = 64 << 10
"""Bytes of a secret."""


ReadCluster = Callable[[ClusterKey], Awaitable[bytes]]
"""Returns the content of a key of a Secret. Raises SecretProblem, RetryLater(CLUSTER_UNAVAILABLE)."""


async def no_cluster(key: ClusterKey) -> bytes:
    """Read nothing: no secret is in a cluster."""
    raise SecretProblem(f"the Secret {key.namespace}/{key.name} cannot be read without a cluster")


@dataclass(frozen=True, slots=True)
class SecretSource:
    """Where the value of a secret is: in a file, in a variable of the bot's environment, or in a cluster."""

    name: str
    file: Path | None = None
    variable: str = ""
    cluster: ClusterKey | None = None

    def read(self, environ: Mapping[str, str] = os.environ) -> bytes:
        """Return the value of a file or variable. Raises SecretProblem."""
        where, content = (self.file, _file(self.file)) if self.file else self._of_environment(environ)
        return _checked(str(where), content)

    async def fetch(self, read: ReadCluster) -> bytes:
        """Return the value, wherever it is. Raises SecretProblem, RetryLater(CLUSTER_UNAVAILABLE)."""
        if self.cluster is None:
            return await asyncio.to_thread(self.read)
        where = f"the key {self.cluster.key} of the Secret {self.cluster.namespace}/{self.cluster.name}"
        return _checked(where, await read(self.cluster))

    def _of_environment(self, environ: Mapping[str, str]) -> tuple[str, bytes]:
        where = f"the variable {self.variable}"
        if self.variable not in environ:
            raise SecretProblem(f"{where} is not set")
        return where, environ[self.variable].encode("utf-8", "surrogateescape")


class OperatorSecrets:
    """Implements ports.Secrets: what it returns, `masker` masks from then on, with the bot's own secrets."""

    def __init__(
        self, sources: Iterable[SecretSource], masker: Masker, read_cluster: ReadCluster = no_cluster
    ) -> None:
        self._sources = {source.name: source for source in sources}
        self._read_cluster = read_cluster
        self.masker = masker
        self._learning = threading.Lock()
        """Held while the masker learns: of two threads, one would forget what the other has learned."""

    async def read(self, name: str) -> bytes:
        """Return the present value of a secret; see `Secrets.read`."""
        try:
            content = await self._sources[name].fetch(self._read_cluster)
            await asyncio.to_thread(self._mask, content)
        except (SecretProblem, KeyError) as problem:
            logger.warning("the secret %s cannot be read: %s", name, problem)
            raise GiveUp(Reason.SECRET_UNREADABLE, {"name": name}) from None
        else:
            return content

    async def learn(self) -> None:
        """Mask the present values of all secrets: another replica may have given one to a step meanwhile."""
        for name in self._sources:
            try:
                await self.read(name)
            except ChatOpsError:
                continue

    async def check(self) -> None:
        """Raise GiveUp for the first secret in a cluster that cannot be used; an outage is no problem yet."""
        for name, source in self._sources.items():
            try:
                if source.cluster is not None:
                    await source.fetch(self._read_cluster)
            except SecretProblem as problem:
                facts = {"message": f"[secrets.{name}] kubernetes: {problem}"}
                raise GiveUp(Reason.CLUSTER_REFUSED, facts) from None
            except RetryLater as error:
                logger.warning("the secret %s cannot be read yet: %s", name, error)

    def _mask(self, content: bytes) -> None:
        with self._learning:
            self.masker.learn([content.decode()])


def _file(path: Path) -> bytes:
    """Return at most one byte more of a file than a secret may have. Raises SecretProblem."""
    try:
        # A named pipe without a writer would otherwise hold up the bot before it is seen to be none.
        with open(path, "rb", opener=_at_once) as file:
            found = os.fstat(file.fileno())
            if not stat.S_ISREG(found.st_mode):
                raise SecretProblem(f"{path} is not a regular file")
            if found.st_mode & (stat.S_IROTH | stat.S_IWOTH):
                raise SecretProblem(f"{path} is open to every account; run `chmod o= {path}`")
            return file.read(LARGEST + 1)
    except OSError as error:
        raise SecretProblem(f"{path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise SecretProblem(f"{str(path)!r} is not the path of a file") from error


def _at_once(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK)


def _checked(where: str, content: bytes) -> bytes:
    """Return a value that may be used. Raises SecretProblem."""
    if problem := _problem(content):
        raise SecretProblem(f"{where} {problem}")
    return content


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
