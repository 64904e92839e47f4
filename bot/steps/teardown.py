"""Teardown: nothing of the pull request stays behind."""

from collections.abc import Mapping

from bot.model.plan import Teardown
from bot.model.run import StepResult, StepState
from bot.steps import job
from bot.steps.work import Work


async def run(step: Teardown, work: Work) -> StepResult:
    """Remove one environment, or all of them with images and registry tags. Raises what the ports raise."""
    names = (step.environment,) if step.environment else work.environments
    for name in names:
        await job.remove(step, name, work)
        for platform in work.doors.platforms.values():
            await platform.remove(work.key(name))
        work.log.note(f"removed environment {name}")
    kept = await _remove_images(work) if step.everything else {}
    facts = {"environments": ", ".join(names), "kept": ", ".join(kept)}
    return StepResult(StepState.PASSED, facts={name: value for name, value in facts.items() if value})


async def _remove_images(work: Work) -> Mapping[str, str]:
    """Remove the images of the pull request; return which tags the registry keeps, and why."""
    repo, number = work.run.repo, work.run.number
    for platform in work.doors.platforms.values():
        await platform.remove_images(repo, number)
    tags = await work.doors.registry.remove_tags(repo, number)
    work.log.note(f"removed local images and {tags.removed} registry tags")
    for tag, why in tags.kept.items():
        work.log.note(f"{tag} stays in the registry: {why}")
    return tags.kept
