"""Fetches the commit whose manifests, charts and files of services count for a deployment."""

from bot.model.plan import Deploy
from bot.steps.built_commit import fetch_built
from bot.steps.context import StepContext


async def fetched(step: Deploy, context: StepContext, what: str) -> str:
    """Fetch that commit and return it; a note says if `what` is not that of the deployed commit.

    Raises what `Source` raises.
    """
    run_, source = context.run, context.adapters.source
    sha = step.definition or step.sha
    if sha == step.sha:
        sha = await fetch_built(sha, context)
    else:
        context.log.note(f"{what} is read from the base branch, commit {sha[:8]}")
        await source.fetch_base(run_.repo, run_.clone_url, sha)
    return sha
