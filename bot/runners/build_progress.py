"""The progress of a BuildKit build as lines of a log, and the step in which the build failed. Pure.

The Docker Engine and `buildctl` report the same events in different encodings:
https://github.com/moby/buildkit/blob/master/client/graph.go
"""

import re
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from bot.core.deciding.build_sources import BuildSource, SourceKind, build_sources
from bot.runners.build_failure import REMEMBERED, BuildFailure
from bot.runners.lines import Lines, clean

_BASE_IMAGE = re.compile(
    r"\[(?:\S+ )?internal\] load metadata for (?P<base>\S+)"
    r"|resolve image config for (?:docker-image://)?(?P<frontend>\S+)"
)
_FROM = re.compile(r"(?:\[[^\]]*\] )?FROM (?P<image>\S+)")
_ADD = re.compile(r"(?:\[[^\]]*\] )?(?P<instruction>ADD .*)", re.DOTALL)
_REMOTE = re.compile(r"(?:https?|git|ssh)://.+", re.DOTALL | re.IGNORECASE)
_ADDRESS = re.compile(r"://|@")
_LONGEST = 4096
"""Characters of an instruction with an address that are read: more of them are refused."""
_STAGE = re.compile(r"^\[[^\]]*\] ")
_HIDDEN = re.compile(r"\[internal\]|copy /context /|exporting to image")


@dataclass(frozen=True, slots=True)
class Vertex:
    """The state of one step. Times are seconds since 1970, None for what has not happened yet."""

    digest: str
    name: str
    cached: bool = False
    started: float | None = None
    completed: float | None = None
    error: str = ""


@dataclass(frozen=True, slots=True)
class Output:
    """Bytes that the step with this digest wrote."""

    vertex: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Status:
    """What happened since the status before."""

    vertexes: Sequence[Vertex] = ()
    outputs: Sequence[Output] = ()


@dataclass(slots=True)
class _Step:
    name: str
    number: int = 0
    """Its number in the log; 0 while it is not shown."""
    output: Lines = field(default_factory=Lines)
    tail: deque[str] = field(default_factory=lambda: deque(maxlen=REMEMBERED))
    error: str = ""
    completed: bool = False


class BuildProgress:
    """Follows one build."""

    def __init__(self) -> None:
        self._steps: dict[str, _Step] = {}
        self._shown = 0
        self.fetched: set[BuildSource] = set()
        """What the engine fetches by itself: addresses and images."""

    def update(self, status: Status) -> list[str]:
        """Take a status and return the lines that it adds to the log."""
        started = [line for vertex in status.vertexes for line in self._start(vertex)]
        written = [line for output in status.outputs for line in self._write(output)]
        completed = [line for vertex in status.vertexes for line in self._complete(vertex)]
        return started + written + completed

    def failed_step(self) -> str:
        """Return the name of the step that failed first, or nothing."""
        return self._failed().name

    def failure(self, message: str = "") -> BuildFailure:
        """Return how the build failed; without a message, the failed step's own error is the message."""
        step = self._failed()
        found = _BASE_IMAGE.search(step.name)
        image = (found["base"] or found["frontend"]) if found else ""
        instruction = f"FROM {image}" if image else _STAGE.sub("", step.name)
        return BuildFailure(message or step.error, instruction, tuple(step.tail), image)

    def _failed(self) -> _Step:
        return next((step for step in self._steps.values() if step.error), _Step(""))

    def _start(self, vertex: Vertex) -> list[str]:
        step = self._steps.setdefault(vertex.digest, _Step(clean(vertex.name)))
        self.fetched.update(_fetched(vertex.name))
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

    def _complete(self, vertex: Vertex) -> list[str]:
        step = self._steps[vertex.digest]
        if vertex.completed is None or step.completed or not step.number:
            return []
        step.completed = True
        return [*self._lines(step, step.output.flush()), f"#{step.number} {_ending(vertex)}"]

    def _lines(self, step: _Step, lines: list[str]) -> list[str]:
        step.tail.extend(lines)
        return [f"#{step.number} {line}" for line in lines]


def _fetched(name: str) -> Iterator[BuildSource]:
    """Yield what the engine fetches by itself in a step; its name has the values of the variables."""
    if (found := _BASE_IMAGE.match(name)) and (image := found["base"]):
        yield BuildSource(SourceKind.IMAGE, 0, image, image)
    elif found := _FROM.match(name):
        yield BuildSource(SourceKind.IMAGE, 0, found["image"], found["image"])
    elif _REMOTE.fullmatch(name):
        yield BuildSource(SourceKind.REMOTE, 0, name, name)
    elif (found := _ADD.fullmatch(name)) and _ADDRESS.search(name):
        # Frontends since 1.10 name the step that fetches an address by its instruction.
        sources = build_sources(f"FROM scratch\n{found['instruction'][:_LONGEST]}", {})
        if len(name) > _LONGEST:
            yield BuildSource(SourceKind.REMOTE, 0, "ADD …", None)
        yield from (replace(one, line=0) for one in sources if one.kind is SourceKind.REMOTE)


def _ending(vertex: Vertex) -> str:
    if vertex.error:
        return f"ERROR: {clean(vertex.error)}"
    if vertex.cached:
        return "CACHED"
    return f"DONE {(vertex.completed or 0) - (vertex.started or 0):.1f}s"
