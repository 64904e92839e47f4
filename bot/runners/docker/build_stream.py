"""The classic builder's progress as people read it; pure: messages in, lines out."""

import re
from collections import deque
from collections.abc import Mapping
from typing import Any

from bot.runners.docker.build_failure import REMEMBERED, Failure
from bot.runners.docker.lines import Lines

_STEP = re.compile(r"^Step (\d+)/(\d+) : (.*)$")
_NOISE = re.compile(
    r"^( ---> ([0-9a-f]+)?|Removing intermediate container [0-9a-f]+"
    r"| ---> Running in [0-9a-f]+|Successfully (built|tagged) .*)?$"
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
        self.image = ""
        self.failure: Failure | None = None

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

    def _lines(self, lines: list[str]) -> list[str]:
        return [shown for line in lines if (shown := self._line(line))]

    def _line(self, line: str) -> str:
        if header := _STEP.match(line):
            self._number, total, self._instruction = header.groups()
            self._tail.clear()
            return f"#{self._number} [{self._number}/{total}] {self._instruction}"
        if line == _CACHED:
            return f"#{self._number} CACHED"
        if _NOISE.match(line):
            return ""
        self._tail.append(line)
        return f"#{self._number} {line}"

    def _failure(self, message: Mapping[str, Any]) -> Failure:
        detail = message.get("errorDetail")
        found = detail.get("message") if isinstance(detail, Mapping) else None
        base = _FROM.match(self._instruction)
        return Failure(
            message=str(found or message.get("error") or ""),
            instruction=self._instruction,
            tail=tuple(self._tail),
            image=base[1] if base else "",
        )
