"""A command that goes on for longer than anybody waits, and is no other process' on this machine."""

from pathlib import Path


class Sleeper:
    """Told apart by how long it sleeps: more than a day, and some seconds that nobody else has chosen."""

    def __init__(self, name: str) -> None:
        self._seconds = str(100_000 + int(name[-6:], 16))

    @property
    def command(self) -> str:
        """What a shell is to do."""
        return f"exec sleep {self._seconds}"

    @property
    def runs(self) -> bool:
        """Whether such a process is there."""
        wanted = self._seconds.encode()
        return any(_words(path)[-1:] == [wanted] for path in Path("/proc").glob("[0-9]*/cmdline"))


def _words(path: Path) -> list[bytes]:
    """Return a process' command; nothing when it is gone."""
    try:
        return path.read_bytes().split(b"\0")[:-1]
    except OSError:
        return []
