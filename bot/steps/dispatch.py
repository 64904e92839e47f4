"""Any step: carried out, given up, and how long it may take."""

from bot.model.pipeline import RunnerName
from bot.model.plan import Build, Deploy, Step, Teardown, Test
from bot.model.run import StepResult
from bot.steps import build, deploy, job, teardown, test
from bot.steps.context import StepContext

MARGIN = 120
"""Seconds that a step may take beyond the timeouts of its parts before it is stopped as a whole."""
CLUSTER_MARGIN = 600
"""The same in a cluster, where nodes have to be found and images pulled first."""
JOBS = 86_400
"""Seconds for jobs elsewhere: who runs them keeps the time, and leaves out what they wait in line."""


async def execute_step(step: Step, context: StepContext) -> StepResult:
    """Carry a step out; cancelling the task interrupts it, clean-up included. Raises what the ports raise."""
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
    """Remove what an interrupted attempt left at its runner. Raises what the ports raise.

    A build ends with the connection of whoever asked for it, and a teardown leaves nothing to remove.
    """
    if job.is_job(step):
        await job.abandon(step, context)
        return
    match step:
        case Deploy():
            await context.adapters.platform(step.config.runner).remove(context.key(step.environment))
        case Test():
            await context.adapters.platform(step.config.runner).stop_tests(context.key(step.environment))
        case Build() | Teardown():
            return


async def timed_out(step: Step, context: StepContext) -> None:
    """Stop what goes on by itself where its step was only interrupted."""
    if job.is_job(step):
        await job.abandon(step, context)


def allowance(step: Step) -> int:
    """Return how many seconds a step may take in all."""
    if job.is_job(step):
        return JOBS
    match step:
        case Build(config=config):
            return config.timeout
        case Deploy(config=config):
            return config.health.timeout * (1 + len(step.services)) + _margin(config.runner)
        case Test(config=config, build=building):
            return config.timeout * len(step.suites) + building.timeout + _margin(config.runner)
        case Teardown():
            return JOBS if step.config.job else 300


def _margin(runner: RunnerName) -> int:
    return CLUSTER_MARGIN if runner is RunnerName.KUBERNETES else MARGIN
