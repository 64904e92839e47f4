"""BuildKit's progress as people read it; pure: messages in, lines out."""

import base64
import re
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.runners.build_failure import REMEMBERED, BuildFailure
from bot.runners.docker.wire import MalformedError, Output, Vertex, status
from bot.runners.lines import Lines, clean

_METADATA = re.compile(r"\[internal\] load metadata for (\S+)|resolve image config for (\S+)")
_PLACE = re.compile(r"^\[[^\]]*\] ")
_HIDDEN = re.compile(r"\[internal\]|copy /context /|exporting to image")


@dataclass(slots=True)
class _Step:
    """What is remembered of a vertex."""

    name: str
    number: int = 0
    output: Lines = field(default_factory=Lines)
    tail: deque[str] = field(default_factory=lambda: deque(maxlen=REMEMBERED))
    error: str = ""
    over: bool = False


class BuildKitProgress:
    """Reads the messages of one build; `image` and `failure` tell how it ended."""

    def __init__(self) -> None:
        self._steps: dict[str, _Step] = {}
        self._shown = 0
        self.image = ""
        self.failure: BuildFailure | None = None

    def feed(self, message: Mapping[str, Any]) -> list[str]:
        """Take a message and return the lines that it adds to the log."""
        if "errorDetail" in message or "error" in message:
            self.failure = self._failure(_error(message))
        elif message.get("id") == "moby.image.id":
            self.image = str(message["aux"]["ID"])
        elif message.get("id") == "moby.buildkit.trace":
            return self._trace(str(message.get("aux", "")))
        return []

    def leftovers(self) -> tuple[str, ...]:
        """Return the images that this build made on its way: none, BuildKit's cache is its own."""
        return ()

    def _trace(self, encoded: str) -> list[str]:
        try:
            vertexes, outputs = status(base64.b64decode(encoded))
        except (MalformedError, ValueError):
            return []
        begun = [line for vertex in vertexes for line in self._begin(vertex)]
        written = [line for output in outputs for line in self._write(output)]
        ended = [line for vertex in vertexes for line in self._end(vertex)]
        return begun + written + ended

    def _begin(self, vertex: Vertex) -> list[str]:
        step = self._steps.setdefault(vertex.digest, _Step(clean(vertex.name)))
        step.error = vertex.error or step.error
        hidden = _HIDDEN.match(step.name) and not vertex.error
        if step.number or vertex.started is None or hidden:
            return []
        self._shown += 1
        step.number = self._shown
        return [f"#{step.number} {step.name}"]

    def _write(self, output: Output) -> list[str]:
        step = self._steps.setdefault(output.vertex, _Step(""))
        return self._lines(step, step.output.feed(output.data))

    def _lines(self, step: _Step, lines: list[str]) -> list[str]:
        step.tail.extend(lines)
        return [f"#{step.number} {line}" for line in lines]

    def _end(self, vertex: Vertex) -> list[str]:
        step = self._steps[vertex.digest]
        if vertex.completed is None or step.over or not step.number:
            return []
        step.over = True
        return [*self._lines(step, step.output.flush()), f"#{step.number} {_ending(vertex)}"]

    def _failure(self, message: str) -> BuildFailure:
        step = next((step for step in self._steps.values() if step.error), _Step(""))
        image = next((one or two for one, two in _METADATA.findall(step.name)), "")
        instruction = f"FROM {image}" if image else _PLACE.sub("", step.name)
        return BuildFailure(message, instruction, tuple(step.tail), image)


def _ending(vertex: Vertex) -> str:
    if vertex.error:
        return f"ERROR: {clean(vertex.error)}"
    if vertex.cached:
        return "CACHED"
    return f"DONE {(vertex.completed or 0) - (vertex.started or 0):.1f}s"


def _error(message: Mapping[str, Any]) -> str:
    detail = message.get("errorDetail")
    found = detail.get("message") if isinstance(detail, Mapping) else None
    return str(found or message.get("error") or "")
