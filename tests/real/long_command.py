"""A command that runs longer than any test, and that can be recognized among all processes."""

from pathlib import Path


class LongCommand:
    """A `sleep` with a unique duration of more than a day, by which it is recognized."""

    def __init__(self, name: str) -> None:
        self._seconds = str(100_000 + int(name[-6:], 16))

    @property
    def command(self) -> str:
        """The command line for a shell."""
        return f"exec sleep {self._seconds}"

    @property
    def runs(self) -> bool:
        """Whether such a process is running."""
        wanted = self._seconds.encode()
        return any(_words(path)[-1:] == [wanted] for path in Path("/proc").glob("[0-9]*/cmdline"))


def _words(path: Path) -> list[bytes]:
    """Return the command line of a process; an empty list if it has ended."""
    try:
        return path.read_bytes().split(b"\0")[:-1]
    except OSError:
        return []
