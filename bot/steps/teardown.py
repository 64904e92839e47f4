"""The teardown step: removes what the pull request's runs have created."""

from collections.abc import Mapping

from bot.model.holder import Holder
from bot.model.plan import Teardown
from bot.model.run import StepResult, StepState
from bot.steps import job, service_logs
from bot.steps.context import StepContext


async def run(step: Teardown, context: StepContext) -> StepResult:
    """Remove one environment, or all of them with images and registry tags. Raises what the ports raise."""
    names = (step.environment,) if step.environment else tuple(context.environments)
    platforms = context.adapters.platforms.values()
    for name in names:
        await service_logs.keep(name, platforms, context)
        await job.remove(step, name, context)
        for holder in await _holders(name, context):
            for platform in platforms:
                await platform.remove(context.key(name), holder)
        context.log.note(f"removed environment {name}")
    kept = await _remove_images(context) if step.everything else {}
    facts = {"environments": ", ".join(names), "kept": ", ".join(kept)}
    return StepResult(StepState.PASSED, facts={name: value for name, value in facts.items() if value})


async def _holders(name: str, context: StepContext) -> tuple[Holder, ...]:
    """Return whose parts of an environment are removed, also those from before the store was restored."""
    environment = context.environments.get(name)
    if environment is None or environment.adopted is None:
        return context.holders
    # The number of a run that this store does not have says nothing about later ones.
    await context.confirm()
    return environment.adopted, *context.holders


async def _remove_images(context: StepContext) -> Mapping[str, str]:
    """Remove the images of the pull request; return which tags the registry keeps, and why."""
    repo, number = context.run.repo, context.run.number
    for holder in context.holders:
        for platform in context.adapters.platforms.values():
            await platform.remove_images(repo, number, holder)
    await context.confirm()  # Tags do not say which run has pushed them.
    names = [one.name for one in context.image.all] if context.image else []
    tags = await context.adapters.registry.remove_tags(repo, number, names)
    context.log.note(f"removed local images and {tags.removed} registry tags")
    for tag, why in tags.kept.items():
        context.log.note(f"{tag} is kept in the registry: {why}")
    return tags.kept
