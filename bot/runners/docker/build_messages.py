"""The engine's messages about a BuildKit build: JSON, and in it progress as protobuf in base64. Pure.

The numbers of the fields are those of `moby.buildkit.v1.StatusResponse`:
https://github.com/moby/buildkit/blob/master/api/services/control/control.proto
"""

import base64
from collections.abc import Iterable, Mapping
from typing import Any

from bot.core.deciding.build_sources import BuildSource
from bot.runners.build_failure import BuildFailure
from bot.runners.build_progress import BuildProgress, Output, Status, Vertex
from bot.runners.docker.protobuf import WireMessage, decode


class BuildMessages:
    """Reads the messages of one build; `image` or `failure` says how it ended."""

    def __init__(self) -> None:
        self._progress = BuildProgress()
        self.image = ""
        """Id of the image."""
        self.failure: BuildFailure | None = None

    @property
    def fetched(self) -> Iterable[BuildSource]:
        """What the engine fetches by itself."""
        return self._progress.fetched

    def feed(self, message: Mapping[str, Any]) -> list[str]:
        """Take a message and return the lines that it adds to the log."""
        aux = message.get("aux")
        if "errorDetail" in message or "error" in message:
            self.failure = self._progress.failure(_error(message))
        elif message.get("id") == "moby.image.id" and isinstance(aux, Mapping):
            self.image = str(aux.get("ID", ""))
        elif message.get("id") == "moby.buildkit.trace" and isinstance(aux, str):
            return self._progress.update(_status(aux))
        return []


def _error(message: Mapping[str, Any]) -> str:
    detail = message.get("errorDetail")
    found = detail.get("message") if isinstance(detail, Mapping) else None
    return str(found or message.get("error") or "")


def _status(trace: str) -> Status:
    """Decode a status; one that cannot be decoded is empty, for it only costs lines of the log."""
    try:
        found = decode(base64.b64decode(trace))
        return Status(
            [_vertex(decode(part)) for part in found.parts.get(1, ())],
            [_output(decode(part)) for part in found.parts.get(3, ())],
        )
    except ValueError:
        return Status()


def _vertex(found: WireMessage) -> Vertex:
    return Vertex(
        digest=found.text(1),
        name=found.text(3),
        cached=bool(found.numbers.get(4)),
        started=_time(found, 5),
        completed=_time(found, 6),
        error=found.text(7),
    )


def _output(found: WireMessage) -> Output:
    return Output(found.text(1), found.bytes(4))


def _time(found: WireMessage, number: int) -> float | None:
    if number not in found.parts:
        return None
    timestamp = decode(found.bytes(number))
    return timestamp.numbers.get(1, 0) + timestamp.numbers.get(2, 0) / 1e9
