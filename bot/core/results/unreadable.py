"""What is wrong with a file that a suite or a job has written."""


class UnreadableFileError(Exception):
    """A file has the wrong content; `message` is a short technical reason."""

    def __init__(self, path: str, message: str) -> None:
        self.path = path
        self.message = message
        super().__init__(path, message)

    def __str__(self) -> str:
        return f"{self.path}: {self.message}"
