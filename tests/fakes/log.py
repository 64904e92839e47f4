"""A log that tests read."""


class FakeLog:
    """Implements the port `Log`; output and the bot's own messages are separate."""

    def __init__(self) -> None:
        self._written: list[str] = []
        self.notes: list[str] = []

    @property
    def text(self) -> str:
        """All output."""
        return "".join(self._written)

    def write(self, text: str) -> None:
        """Append output."""
        self._written.append(text)

    def note(self, text: str) -> None:
        """Append a message of the bot."""
        self.notes.append(text)

    def tail(self, lines: int = 40) -> str:
        """Return the last lines of the output."""
        return "\n".join(self.text.splitlines()[-lines:])
