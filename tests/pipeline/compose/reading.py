"""Reads a Compose file as the bot does, with the files of its commit."""

from collections.abc import Mapping

from bot.model.pipeline import Pipeline
from bot.model.views import ConfigBroken
from bot.pipeline.compose.project import FilesNeeded
from bot.pipeline.config_file import read

FILE = "docker-compose.yml"
OWN = f"deploy: {{compose: {FILE}}}\n"
COMMANDS = frozenset({"build", "deploy", "test", "teardown"})

Files = Mapping[str, str | bytes]


def reading(
    compose: str, own: str = OWN, files: Files | None = None, file: str = FILE
) -> Pipeline | ConfigBroken:
    """Return what both files mean; other files than `files` are missing."""
    commit = {file: compose, **(files or {})}
    known = dict[str, bytes | None]()
    while isinstance(
        found := read(own.encode(), file=".chatops.yml", ref="master", known_commands=COMMANDS, files=known),
        FilesNeeded,
    ):
        assert known.keys().isdisjoint(found.paths)
        for path in found.paths:
            content = commit.get(path)
            known[path] = content.encode() if isinstance(content, str) else content
    return found


def pipeline(compose: str, own: str = OWN, files: Files | None = None, file: str = FILE) -> Pipeline:
    """Return the configuration of valid files."""
    found = reading(compose, own, files, file)
    assert isinstance(found, Pipeline), found
    return found


def problems(
    compose: str, own: str = OWN, files: Files | None = None
) -> list[tuple[int, int, str, str, str]]:
    """Return line, column, place, message and suggestion of each problem of a file; the rest is checked."""
    found = reading(compose, own, files)
    assert isinstance(found, ConfigBroken), found
    assert all(problem.message.zh for problem in found.problems)
    assert f"> {found.problems[0].line:>4} |" in found.excerpt or not found.excerpt
    return [(one.line, one.column, one.where, one.message.en, one.suggestion) for one in found.problems]
