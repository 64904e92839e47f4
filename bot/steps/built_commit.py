"""Fetches the commit that the images of a head were built from: Gitee's merge of it, or itself."""

from bot.steps.context import StepContext


async def fetch_built(sha: str, context: StepContext) -> str:
    """Fetch that commit and return it. Raises what `Source` raises."""
    run_, source = context.run, context.adapters.source
    commit = context.built_commit(sha)
    if commit == sha:
        await source.fetch(run_.repo, run_.clone_url, run_.number, sha)
    else:
        await source.fetch_base(run_.repo, run_.clone_url, commit)
    return commit
