"""Fetches the commit whose manifests, charts and files of services count for a deployment."""

from bot.model.plan import Deploy
from bot.steps.context import StepContext


async def fetched(step: Deploy, context: StepContext, what: str) -> str:
    """Fetch that commit and return it; a note says if `what` is not that of the deployed commit.

    Raises what `Source` raises.
    """
    run_, source = context.run, context.adapters.source
    sha = step.definition or step.sha
    if sha == step.sha:
        await source.fetch(run_.repo, run_.clone_url, run_.number, sha)
    else:
        context.log.note(f"{what} is read from the base branch, commit {sha[:8]}")
        await source.fetch_base(run_.repo, run_.clone_url, sha)
    return sha
