"""What a run's comment shows besides the run: commands to type next, whom to mention, environments."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from bot.core.environments import expiry, public
from bot.model.addresses import Addresses
from bot.model.environment import Environment
from bot.model.plan import DEFAULT_ENVIRONMENT, Deploy, Test
from bot.model.queue import QueuePosition
from bot.model.reason import Reason
from bot.model.run import Run, RunState, StepResult, StepState
from bot.model.views import Announcement, EnvironmentLine, RunView


def next_commands(run: Run, failed: Environment | None = None) -> tuple[str, ...]:
    """Return the commands that are useful after this run, the most useful first.

    `failed` is the environment that it deployed, if that does not work any more.
    """
    if not run.state.final:
        return (f"/cancel {run.id}",)
    if failed is not None:
        return (deploy_command(failed.key.name), *(("/teardown",) if failed.state.deployed else ()))
    if run.state is RunState.PASSED:
        return _after_success(run)
    if run.state is RunState.FAILED:
        return _after_failure(run)
    closed = run.stop is not None and run.stop.reason is Reason.CLOSED
    return (_again(run),) if run.state is RunState.CANCELLED and not closed else ()


def run_view(
    run: Run,
    addresses: Addresses,
    *,
    author: str,
    position: QueuePosition | None = None,
    folded_by: int | None = None,
    environments: Iterable[Environment] = (),
) -> RunView:
    """Return the view of a run's comment, which is edited while the run proceeds.

    `environments` are those of its pull request: the comment also says if what it deployed works no more.
    """
    failed = broken(run, environments)
    return RunView(
        run=run,
        links=addresses.links(run),
        pull_author=author,
        position=position,
        next_commands=next_commands(run, failed),
        folded_by=folded_by,
        broken=failed,
    )


def broken(run: Run, environments: Iterable[Environment]) -> Environment | None:
    """Return the environment that a run deployed, if it does not work any more."""
    return next((one for one in environments if one.run == run.id and one.outage), None)


def announcement(
    run: Run, addresses: Addresses, *, recipient: str, first_preview: bool
) -> Announcement | None:
    """Return the announcement of a finished run, a short new comment that notifies people, or None.

    Every failure is announced. A preview is announced only the first time, because its URL stays the same.
    """
    if run.state is RunState.FAILED:
        return Announcement("failed", run, addresses.links(run), recipient)
    deployed = any(record.name == "deploy" and record.state is StepState.PASSED for record in run.steps)
    if deployed and first_preview and run.state is RunState.PASSED:
        return Announcement("ready", run, addresses.links(run), recipient)
    return None


def environment_line(
    environment: Environment, addresses: Addresses, now: datetime, warning_time: timedelta
) -> EnvironmentLine:
    """Return an environment as a list shows it; it warns `warning_time` before the expiry."""
    soon = expiry.ends_soon(environment, now, warning_time)
    return EnvironmentLine(
        environment.key.name,
        addresses.environment(environment),
        environment.state,
        environment.sha,
        environment.expires_at,
        public.urls(addresses, environment.host, environment.public),
        extend=extend_command(environment.key.name) if soon else "",
        outage=environment.outage,
        deploy=deploy_command(environment.key.name) if environment.outage else "",
    )


def extend_command(environment: str) -> str:
    """Return the command that extends the environment by a day."""
    return "/extend 1d" if environment == DEFAULT_ENVIRONMENT else f"/extend 1d {environment}"


def deploy_command(environment: str) -> str:
    """Return the command that deploys the environment."""
    return "/deploy" if environment == DEFAULT_ENVIRONMENT else f"/deploy {environment}"


def without_logs(run: Run) -> Run:
    """Return the run without what programs wrote, for comments that only link to logs."""
    return replace(
        run,
        steps=tuple(
            replace(record, result=_without_output(record.result)) if record.result else record
            for record in run.steps
        ),
    )


def _without_output(result: StepResult) -> StepResult:
    return replace(result, log_tail="", facts=_without_cause(result.facts), failure_messages={})


def _without_cause(facts: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in facts.items() if name != "cause"}


def without_output(environment: Environment) -> Environment:
    """Return the environment without the last output of what has failed, as `without_logs` does for runs."""
    outage = environment.outage
    if outage is None:
        return environment
    return replace(environment, outage=replace(outage, log="", facts=_without_cause(outage.facts)))


def _after_success(run: Run) -> tuple[str, ...]:
    names = run.plan.names
    if "teardown" in names:
        return ()
    tests = () if _has_no_tests(run) else ("/retest",) if "test" in names else ("/test",)
    if "deploy" in names:
        return (*tests, "/teardown")
    return tests if "test" in names else ("/deploy", "/test")


def _after_failure(run: Run) -> tuple[str, ...]:
    for record in run.steps:
        if record.state in {StepState.FAILED, StepState.BROKEN}:
            if record.name != "test":
                return tuple(dict.fromkeys((*_repeating(run, record.name), *_rest(run))))
            partial = record.result is not None and record.result.reason is Reason.TESTS_FAILED
            return ("/retest failed", "/retest") if partial else ("/retest",)
    return ()


def _has_no_tests(run: Run) -> bool:
    """Whether the run has found that there are no tests."""
    none = {Reason.NO_TESTS, Reason.NOTHING_TESTED}
    return any(record.result is not None and record.result.reason in none for record in run.steps)


def _repeating(run: Run, name: str) -> Iterator[str]:
    """Yield the command that repeats the step that failed."""
    if name == "deploy":
        yield from _deploying(run)
    else:
        yield f"/{name}"


def _rest(run: Run) -> Iterator[str]:
    """Yield the command that also does what the run has skipped.

    Only a test step finds out whether the Dockerfile has tests; those that the configuration names exist.
    """
    tests = [step for step in run.plan.steps if isinstance(step, Test)]
    certain = any(suite.command for step in tests for suite in step.suites)
    if certain or (tests and "deploy" not in run.plan.names):
        yield "/test"
    else:
        yield from _deploying(run)


def _deploying(run: Run) -> Iterator[str]:
    yield from (deploy_command(step.environment) for step in run.plan.steps if isinstance(step, Deploy))


def _again(run: Run) -> str:
    """Return the command that repeats the whole run: its last step implies the earlier ones."""
    last = run.plan.steps[-1]
    if isinstance(last, Deploy):
        return deploy_command(last.environment)
    return f"/{last.name}"
