"""Executes steps of any kind, abandons them, and limits their time."""

from bot.model.pipeline import RunnerName
from bot.model.plan import Build, Deploy, Step, Teardown, Test
from bot.model.run import StepResult
from bot.steps import build, deploy, job, secrets, teardown, test
from bot.steps.context import StepContext

MARGIN = 120
"""Seconds that a step may take beyond the timeouts of its parts."""
CLUSTER_MARGIN = 600
"""The same in a cluster, where pods have to be scheduled and images pulled first."""
JOBS = 86_400
"""Seconds for a job, whose own timeout starts only when it leaves Jenkins' queue."""


async def execute_step(step: Step, context: StepContext) -> StepResult:
    """Execute a step. Raises what the ports raise.

    Cancelling ends it and touches nothing that another replica may own by then: `abandon` cleans up.
    """
    context = await secrets.given(step, context)
    if job.is_job(step):
        return await job.run(step, context)
    match step:
        case Build():
            return await build.run(step, context)
        case Deploy():
            return await deploy.run(step, context)
        case Test():
            return await test.run(step, context)
        case Teardown():
            return await teardown.run(step, context)


async def abandon(step: Step, context: StepContext) -> None:
    """Remove what an interrupted attempt left at its runner. Raises what the ports raise, and LeaseLost.

    A build ends with the connection that started it, and a teardown creates nothing.
    """
    await context.confirm()
    if job.is_job(step):
        await job.abandon(step, context)
        return
    match step:
        case Deploy():
            await deploy.abandon(step, context)
        case Test():
            platform = context.adapters.platform(step.config.runner)
            for holder in context.holders:
                await platform.stop_tests(context.key(step.environment), holder)
        case Build() | Teardown():
            return


async def retire(step: Step, context: StepContext) -> None:
    """Remove what a step that has succeeded has taken over from. Raises what the ports raise."""
    if isinstance(step, Deploy) and not job.is_job(step):
        await deploy.retire(step, context)


def allowance(step: Step) -> int:
    """Return how many seconds a step may take in total."""
    if job.is_job(step):
        return JOBS
    match step:
        case Build():
            # All may have to wait for each other.
            return sum(config.timeout for config in step.images.values())
        case Deploy(config=config):
            setup = config.setup_timeout * len(config.setup)
            return config.health.timeout * (1 + len(step.services)) + setup + _margin(config.runner)
        case Test(config=config, build=building):
            return config.timeout * len(step.suites) + building.timeout + _margin(config.runner)
        case Teardown():
            return JOBS if step.config.job else 300


def _margin(runner: RunnerName) -> int:
    return CLUSTER_MARGIN if runner is RunnerName.KUBERNETES else MARGIN
