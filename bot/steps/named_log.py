"""The log of one of several images that are built side by side: each of its lines begins with its name."""

from bot.ports import Log

MOST_LINES = 400
"""Lines of all images among which the last ones of one image are looked for."""


class NamedLog:
    """Writes whole lines to the log of the step, so that those of several images do not mix."""

    def __init__(self, log: Log, name: str) -> None:
        self._log = log
        self._name = name
        self._prefix = f"{name} | "
        self._rest = ""

    def write(self, text: str) -> None:
        """Append output; a line without its end waits for it."""
        *lines, self._rest = (self._rest + text).split("\n")
        if lines:
            self._log.write("".join(f"{self._prefix}{line}\n" for line in lines))

    def note(self, text: str) -> None:
        """Append a line from the bot itself."""
        self._log.note(f"{self._name}: {text}")

    def tail(self, lines: int = 40) -> str:
        """Return the last lines of this image's output."""
        last = self._log.tail(MOST_LINES).split("\n")
        own = [line.removeprefix(self._prefix) for line in last if line.startswith(self._prefix)]
        return "\n".join(own[-lines:])
