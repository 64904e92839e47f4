"""The classic builder's progress as people read it; pure: messages in, lines out."""

import re
from collections import deque
from collections.abc import Mapping
from typing import Any

from bot.runners.build_failure import REMEMBERED, BuildFailure
from bot.runners.lines import Lines

_STEP = re.compile(r"^Step (\d+)/(\d+) : (.*)$")
_NOISE = re.compile(
    r"^( --->( (?P<image>[0-9a-f]+))?|Removing intermediate container [0-9a-f]+"
    r"| ---> Running in [0-9a-f]+|Successfully built (?P<built>[0-9a-f]+)|Successfully tagged .*)?$"
)
_CACHED = " ---> Using cache"
_FROM = re.compile(r"^FROM\s+(?:--\S+\s+)*(\S+)", re.IGNORECASE)


class ClassicProgress:
    """Reads the messages of one build; `image` and `failure` tell how it ended."""

    def __init__(self) -> None:
        self._output = Lines()
        self._tail: deque[str] = deque(maxlen=REMEMBERED)
        self._instruction = ""
        self._number = "0"
        self._made: list[str] = []
        self._cached = False
        self._built = ""
        self.image = ""
        self.failure: BuildFailure | None = None

    def feed(self, message: Mapping[str, Any]) -> list[str]:
        """Take a message and return the lines that it adds to the log."""
        if "errorDetail" in message or "error" in message:
            lines = self._lines(self._output.flush())
            self.failure = self._failure(message)
            return lines
        aux = message.get("aux")
        if isinstance(aux, Mapping) and "ID" in aux:
            self.image = str(aux["ID"])
        return self._lines(self._output.feed(str(message.get("stream", "")).encode()))

    def leftovers(self) -> tuple[str, ...]:
        """Return the images that this build made on its way, newest first; they carry no labels."""
        return tuple(image for image in reversed(self._made) if image != self._built)

    def _lines(self, lines: list[str]) -> list[str]:
        return [shown for line in lines if (shown := self._line(line))]

    def _line(self, line: str) -> str:
        if header := _STEP.match(line):
            self._number, total, self._instruction = header.groups()
            self._tail.clear()
            self._cached = bool(_FROM.match(self._instruction))
            return f"#{self._number} [{self._number}/{total}] {self._instruction}"
        if line == _CACHED:
            self._cached = True
            return f"#{self._number} CACHED"
        if noise := _NOISE.match(line):
            self._made += [noise["image"]] if noise["image"] and not self._cached else []
            self._built = noise["built"] or self._built
            return ""
        self._tail.append(line)
        return f"#{self._number} {line}"

    def _failure(self, message: Mapping[str, Any]) -> BuildFailure:
        detail = message.get("errorDetail")
        found = detail.get("message") if isinstance(detail, Mapping) else None
        base = _FROM.match(self._instruction)
        return BuildFailure(
            message=str(found or message.get("error") or ""),
            instruction=self._instruction,
            tail=tuple(self._tail),
            image=base[1] if base else "",
        )
