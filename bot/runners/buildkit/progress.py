"""The output of `buildctl --progress rawjson`, and how a build ended. Pure.

Each status is a JSON object on a line of its own (BuildKit 0.13 and newer); errors are plain text:
https://github.com/moby/buildkit/blob/master/util/progress/progressui/display.go
"""

import base64
import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from bot.core.admission.images import name_of
from bot.core.deciding.build_sources import BuildSource
from bot.model.errors import ChatOpsError, RetryLater
from bot.model.reason import Reason
from bot.runners.build_failure import classify, plain, push_failed
from bot.runners.build_progress import BuildProgress, Output, Status, Vertex
from bot.runners.lines import clean, json_object

_ERROR = re.compile(r"error: (.*)")
_NO_DAEMON = re.compile(
    r"listing workers|list workers|failed to dial|error reading server preface|code = Unavailable"
)
_PUSH = re.compile(r"failed to push|failed to authorize|pushing layers|exporting to image")


class ClientOutput:
    """Reads the output of one build."""

    def __init__(self) -> None:
        self._progress = BuildProgress()
        self._error = ""

    @property
    def fetched(self) -> Iterable[BuildSource]:
        """What buildkitd fetches by itself."""
        return self._progress.fetched

    def feed(self, line: bytes) -> list[str]:
        """Take a line and return the lines that it adds to the log."""
        status = json_object(line)
        if status is not None:
            return self._progress.update(_status(status))
        text = clean(line.decode("utf-8", "replace"))
        error = _ERROR.fullmatch(text)
        self._error = error[1] if error else self._error
        return [text] if text.strip("- ") else []

    def failure(self, *, tag: str, path: str) -> ChatOpsError:
        """Return the error for a build that failed; `path` is the Dockerfile's."""
        failure = self._progress.failure(self._error)
        step = self._progress.failed_step()
        if _NO_DAEMON.search(failure.message) and not step:
            return RetryLater(Reason.BUILDKIT_UNAVAILABLE, {"message": plain(failure.message)})
        if _PUSH.search(failure.message) or _PUSH.search(step):
            return push_failed(name_of(tag), failure.message)
        return classify(failure, path=path)


def _status(found: Mapping[str, Any]) -> Status:
    """Read a status; one that is not as published is empty, for it only costs lines of the log."""
    try:
        return Status(
            [_vertex(one) for one in found.get("vertexes") or ()],
            [Output(one["vertex"], base64.b64decode(one["data"])) for one in found.get("logs") or ()],
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        return Status()


def _vertex(found: Mapping[str, Any]) -> Vertex:
    return Vertex(
        digest=str(found["digest"]),
        name=str(found.get("name", "")),
        cached=bool(found.get("cached")),
        started=_time(found.get("started")),
        completed=_time(found.get("completed")),
        error=str(found.get("error", "")),
    )


def _time(written: str | None) -> float | None:
    return datetime.fromisoformat(written).timestamp() if written else None
