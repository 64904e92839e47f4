"""The files of one commit that a Compose file reads."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from bot.pipeline.compose import env_file
from bot.pipeline.decoding import decoded
from bot.pipeline.yaml_tree import YamlError

EXAMPLES = (".example", ".sample")
"""Ends of the names of files that stand for one that is not in the commit, as it has secrets."""


@dataclass(frozen=True, slots=True)
class FilesNeeded:
    """Paths of further files of the same commit that must be read first; most of them may be missing."""

    paths: tuple[str, ...]


class FilesNeededError(Exception):
    """Further files must be read first."""

    def __init__(self, paths: Iterable[str]) -> None:
        self.needed = FilesNeeded(tuple(paths))
        super().__init__(", ".join(self.needed.paths))


class FileError(Exception):
    """A file with variables is wrong."""

    def __init__(self, file: str, error: YamlError) -> None:
        self.file = file
        self.error = error
        super().__init__(f"{file}: {error}")


@dataclass(frozen=True, slots=True)
class Project:
    """A Compose file and what was read of its commit; None is a file that the commit does not have."""

    file: str
    files: Mapping[str, bytes | None]

    @property
    def folder(self) -> str:
        """The folder that paths in the file are relative to, `.` for the root."""
        return str(PurePosixPath(self.file).parent)

    def require(self, paths: Iterable[str]) -> None:
        """Raise FilesNeededError unless these files were read, or one that stands for each."""
        wanted = (name for path in paths for name in _names(path))
        if missing := [name for name in dict.fromkeys(wanted) if name not in self.files]:
            raise FilesNeededError(missing)

    def variables(self, path: str, known: Mapping[str, str]) -> dict[str, str] | None:
        """Return the variables of a file, or of its example; None if there is neither. Raises FileError."""
        for name in _names(path):
            content = self.files.get(name)
            if content is not None:
                try:
                    return env_file.read(decoded(content), known)
                except YamlError as error:
                    raise FileError(name, error) from error
        return None


def _names(path: str) -> tuple[str, ...]:
    return (path, *(f"{path}{end}" for end in EXAMPLES))
