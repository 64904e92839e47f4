"""Teardown: nothing of the pull request stays behind."""

from bot.model.plan import Teardown
from bot.model.run import StepResult, StepState
from bot.steps.work import Work


async def run(step: Teardown, work: Work) -> StepResult:
    """Remove one environment, or all of them with images and registry tags. Raises what the ports raise."""
    names = (step.environment,) if step.environment else work.environments
    for name in names:
        for platform in work.doors.platforms.values():
            await platform.remove(work.key(name))
        work.log.note(f"removed environment {name}")
    if step.everything:
        await _remove_images(work)
    return StepResult(StepState.PASSED, facts={"environments": ", ".join(names)})


async def _remove_images(work: Work) -> None:
    repo, number = work.run.repo, work.run.number
    for platform in work.doors.platforms.values():
        await platform.remove_images(repo, number)
    removed = await work.doors.registry.remove_tags(repo, number)
    work.log.note(f"removed local images and {removed} registry tags")
