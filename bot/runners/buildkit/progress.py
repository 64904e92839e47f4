"""What `buildctl --progress plain` prints, as people read it, and how a build ended. Pure.

https://github.com/moby/buildkit/blob/master/util/progress/progressui/printer.go
"""

import re
from collections import deque
from dataclasses import dataclass, field

from bot.model.errors import ChatOpsError, GiveUp, RetryLater
from bot.model.reason import Reason
from bot.runners.build_failure import REMEMBERED, BuildFailure, classify, plain

_VERTEX = re.compile(r"#(\d+) (.*)")
_OUTPUT = re.compile(r"\d+\.\d+ ?(.*)")
_ENDED = re.compile(r"DONE\b.*|CACHED|CANCELED")
_FAILED = re.compile(r"ERROR: (.*)")
_NOISE = re.compile(
    r"\.\.\.$|sha256:|transferring |resolve |extracting |pushing |exporting |writing |naming "
)
_PLACE = re.compile(r"^\[[^\]]*\] ")
_METADATA = re.compile(r"\[internal\] load metadata for (\S+)")
_ERROR = re.compile(r"error: (.*)")
_NO_DAEMON = re.compile(
    r"listing workers|list workers|failed to dial|error reading server preface|code = Unavailable"
)
_PUSH = re.compile(r"failed to push|failed to authorize|pushing layers|exporting to image")
_DENIED = re.compile(
    r"(?i)denied|unauthorized|forbidden|insufficient_scope|\b40[13]\b|no basic auth"
    # Harbor's own rules: immutable tags and quotas.
    r"|configured as immutable|configured upper limit"
)


@dataclass(slots=True)
class _Vertex:
    """One step of a build."""

    name: str = ""
    error: str = ""
    tail: deque[str] = field(default_factory=lambda: deque(maxlen=REMEMBERED))


class PlainProgress:
    """Reads the output of one build."""

    def __init__(self) -> None:
        self._vertexes: dict[str, _Vertex] = {}
        self._error = ""

    def feed(self, line: str) -> str | None:
        """Take a line and return what is to be shown of it, if anything is."""
        found = _VERTEX.fullmatch(line)
        if found is None:
            error = _ERROR.fullmatch(line)
            self._error = error[1] if error else self._error
            return line if line.strip("- ") else None
        return self._vertex(found[1], found[2])

    def failure(self, *, tag: str, path: str) -> ChatOpsError:
        """Return the error for a build that ended badly; `path` is the Dockerfile's."""
        step = next((one for one in self._vertexes.values() if one.error), _Vertex())
        message = self._error or step.error
        if _NO_DAEMON.search(message) and not step.error:
            return RetryLater(Reason.BUILDKIT_UNAVAILABLE, {"message": plain(message)})
        if _PUSH.search(message) or _PUSH.search(step.name):
            return _not_pushed(tag.rpartition(":")[0], message)
        image = _METADATA.search(step.name)
        instruction = f"FROM {image[1]}" if image else _PLACE.sub("", step.name)
        failure = BuildFailure(message, instruction, tuple(step.tail), image[1] if image else "")
        return classify(failure, path=path)

    def _vertex(self, number: str, text: str) -> str | None:
        known = self._vertexes.setdefault(number, _Vertex())
        if not known.name:
            known.name = text
            return f"#{number} {text}"
        if failed := _FAILED.fullmatch(text):
            known.error = failed[1]
        elif output := _OUTPUT.fullmatch(text):
            known.tail.append(output[1])
            return f"#{number} {output[1]}"
        elif not _ENDED.fullmatch(text):
            # Repeated when the printer comes back to a step, or what a pull or push does by the second.
            return None if text == known.name or _NOISE.match(text) else f"#{number} {text}"
        return f"#{number} {text}"


def _not_pushed(repository: str, message: str) -> ChatOpsError:
    if _DENIED.search(message):
        return GiveUp(Reason.REGISTRY_DENIED, {"repository": repository}, log=plain(message))
    return RetryLater(Reason.REGISTRY_UNAVAILABLE, {"message": plain(message)})
