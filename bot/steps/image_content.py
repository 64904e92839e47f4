"""Finds out what an image with `paths` is made of in a prepared commit."""

from bot.core.deciding import image_content
from bot.core.deciding.image_content import LARGEST_LISTING
from bot.model.errors import TooExpensive
from bot.model.forge import Checkout
from bot.model.limits import SandboxLimits
from bot.model.plan import Build
from bot.steps.context import StepContext

LIMITS = SandboxLimits(seconds=20, inline=16 << 10)


async def content_of(step: Build, dockerfile: str, source: Checkout, context: StepContext) -> str:
    """Return the hash of an image's content; empty without `paths`, or if it cannot be told.

    `dockerfile` is its path. Raises RetryLater(GIT_UNAVAILABLE).
    """
    config = step.config
    if not config.paths or source.missing:
        return ""
    listing = await context.adapters.source.listing(context.run.repo, source.sha, LARGEST_LISTING)
    if listing is None:
        context.log.note("paths are not compared: the commit has too many files")
        return ""
    facts = image_content.facts(config, dockerfile, trusted=step.trusted)
    chosen = (listing, config.paths, image_content.always(config, dockerfile), facts)
    try:
        return await context.adapters.sandbox.call(LIMITS, "paths", image_content.content, *chosen)
    except TooExpensive:
        context.log.note("paths are not compared: that takes too long")
        return ""
