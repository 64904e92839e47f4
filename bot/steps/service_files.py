"""Reads the files of a commit that are copied into services, within limits."""

from collections.abc import Mapping

from bot.core.deciding import service_files, unfetched
from bot.model.plan import Deploy
from bot.ports import CopiedFile
from bot.steps import definition_commit
from bot.steps.context import StepContext

Files = Mapping[str, tuple[CopiedFile, ...]]
"""By the names of services."""


async def read(step: Deploy, context: StepContext) -> Files:
    """Return the files of every service.

    Raises TellUser(FILE_REFUSED | FILES_TOO_MANY | FILES_TOO_LARGE), and what `Source` raises.
    """
    wanted = {name: service.files for name, service in step.services.items() if service.files}
    if not wanted:
        return {}
    sources = dict.fromkeys(source for files in wanted.values() for source in files.values())
    sha = await definition_commit.fetched(step, context, ", ".join(sources))
    tree = await context.adapters.source.tree(context.run.repo, sha)
    found = dict[str, tuple[CopiedFile, ...]]()
    for name, files in wanted.items():
        sizes = {other: sum(len(one.content) for one in had) for other, had in found.items()}
        room = service_files.room(name, step.config.runner, sizes)
        chosen = service_files.chosen(name, files, tree)
        _note(name, chosen, context)
        executable = frozenset(tree.executable)
        found[name] = tuple(
            [
                CopiedFile(target, content, chosen.files[target] in executable)
                for target, content in (await _contents(name, chosen, sha, room, context)).items()
            ]
        )
    return found


async def _contents(
    name: str, chosen: service_files.Chosen, sha: str, room: service_files.Room, context: StepContext
) -> dict[str, bytes]:
    """Return the contents by path in the container."""
    left, found = room.left, dict[str, bytes]()
    for target, path in chosen.files.items():
        content = await context.adapters.source.read(context.run.repo, sha, path, left)
        if content is None:
            raise service_files.too_large(room, path)
        if unfetched.is_pointer(content):
            context.log.note(f"{name}: {path} is in Git LFS, whose contents are not fetched")
        left -= len(content)
        found[target] = content
    return found


def _note(name: str, chosen: service_files.Chosen, context: StepContext) -> None:
    for path in chosen.missing:
        context.log.note(f"{name}: nothing is copied from {path}, which the commit does not have")
    for path in chosen.submodules:
        context.log.note(f"{name}: {path} is not copied: it is a submodule")
