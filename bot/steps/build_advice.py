"""Says what could be built where the configured Dockerfile is missing."""

from collections.abc import Mapping
from contextlib import suppress

from bot.core.deciding import build_places
from bot.model.errors import TooExpensive
from bot.model.limits import SandboxLimits
from bot.steps.context import StepContext

LIMITS = SandboxLimits(seconds=10, inline=16 << 10)
LARGEST_DOCKERFILE = 64 << 10


async def advice(sha: str, context: StepContext) -> Mapping[str, str]:
    """Return the facts about what a fetched commit has instead; none if there is nothing to build.

    `paths` are the files that were found, and `setting` is the line of the configuration for the `first`; of
    Compose files, there is no `first`.
    """
    repo, source = context.run.repo, context.adapters.source
    files = (await source.tree(repo, sha)).files
    found = build_places.dockerfiles(files)
    if not found:
        compose = build_places.compose_files(files)
        if not compose:
            return {}
        return {"paths": ", ".join(compose), "setting": build_places.compose_setting(compose[0])}
    text = (await source.read(repo, sha, found[0], LARGEST_DOCKERFILE) or b"").decode("utf-8", "replace")
    facts = {"paths": ", ".join(found), "first": found[0]}
    with suppress(TooExpensive):
        sandbox = context.adapters.sandbox
        place = await sandbox.call(LIMITS, found[0], build_places.place, found[0], text, files)
        facts["setting"] = place.setting
    return facts
