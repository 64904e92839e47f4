"""Names what a build does not have: submodules that cannot be fetched, and files in Git LFS."""

from collections.abc import Mapping

from bot.core.deciding import unfetched
from bot.model.errors import TooExpensive
from bot.model.forge import Checkout, Obstacle
from bot.model.limits import SandboxLimits
from bot.model.pipeline import BuildConfig
from bot.steps.context import StepContext

ATTRIBUTES = ".gitattributes"
LIMITS = SandboxLimits(seconds=10, inline=16 << 10)
LARGEST_ATTRIBUTES = 64 << 10


async def missing(config: BuildConfig, source: Checkout, context: StepContext) -> Mapping[str, str]:
    """Return the facts about what the build context of a prepared commit lacks; none if it lacks nothing."""
    tree = await context.adapters.source.tree(context.run.repo, source.sha)
    pointers = await _pointers(source.sha, unfetched.inside(config.context, tree.files), context)
    found = {**dict.fromkeys(pointers, Obstacle.IN_LFS), **source.missing}
    lacking = unfetched.facts(config.context, found)
    if lacking:
        context.log.note(f"not fetched: {lacking['unfetched']}")
    return lacking


async def _pointers(sha: str, files: tuple[str, ...], context: StepContext) -> tuple[str, ...]:
    repo, source = context.run.repo, context.adapters.source
    attributes = await source.read(repo, sha, ATTRIBUTES, LARGEST_ATTRIBUTES)
    if attributes is None or b"filter=lfs" not in attributes:
        return ()
    text = attributes.decode("utf-8", "replace")
    try:
        tracked = await context.adapters.sandbox.call(LIMITS, ATTRIBUTES, unfetched.lfs_files, text, files)
    except TooExpensive:
        return ()
    read = {path: await source.read(repo, sha, path, unfetched.LARGEST_POINTER) for path in tracked}
    return tuple(path for path, content in read.items() if unfetched.is_pointer(content))
