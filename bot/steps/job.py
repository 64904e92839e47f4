"""Steps that a job elsewhere carries out, today in Jenkins: what it is told, and what its ending means."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from bot.core.deciding import placeholders
from bot.core.results import job_results, junit
from bot.model.errors import TellUser
from bot.model.pipeline import BuildConfig, DeployConfig, RunnerName, TeardownConfig, TestConfig
from bot.model.plan import Build, Deploy, Step, Teardown, Test
from bot.model.reason import Reason
from bot.model.report import Report
from bot.model.run import Image, StepResult, StepState
from bot.ports import JobEnding, JobOrder
from bot.steps import build as building
from bot.steps.context import StepContext
from bot.steps.test import SHOWN_FAILURES

PASSED, ABORTED = "SUCCESS", "ABORTED"
ALL_SUITES = "all"

JobConfig = BuildConfig | DeployConfig | TestConfig | TeardownConfig

_GIVEN = {
    "CHATOPS_REPOSITORY": "repository",
    "CHATOPS_PR": "number",
    "CHATOPS_SHA": "sha",
    "CHATOPS_CLONE_URL": "clone_url",
    "CHATOPS_REF": "ref",
    "CHATOPS_IMAGE": "image",
    "CHATOPS_ENVIRONMENT": "environment",
    "CHATOPS_HOST": "host",
    "CHATOPS_HOST_LABEL": "host_label",
    "CHATOPS_SERVICE_URL": "service_url",
    "CHATOPS_SUITES": "suites",
}
"""Parameters that every job is given, if it declares them, and the placeholder that each stands for."""


@dataclass(frozen=True, slots=True)
class JobRequest:
    """What one job is to do for a step."""

    step: str
    config: JobConfig
    values: Mapping[str, str]
    """By placeholder."""
    part: str = ""
    """Tells apart several jobs of one step."""
    files: tuple[str, ...] = ()
    tested: bool = False
    failed: str = ""
    """Tests to run again, a line each; empty for all."""


def wanted(step: Step) -> bool:
    """Whether a job carries this step out as a whole."""
    return not isinstance(step, Teardown) and step.config.runner is RunnerName.JENKINS


async def run(step: Step, context: StepContext) -> StepResult:
    """Carry out a build, deploy or test step. Raises what `ports.Jobs.run` does."""
    match step:
        case Build():
            return await _build(step, context)
        case Deploy():
            return await _deploy(step, context)
        case Test():
            return await _test(step, context)
        case Teardown():
            raise AssertionError("a teardown is more than a job")


async def abandon(step: Step, context: StepContext) -> None:
    """Stop the job that an interrupted attempt began, if it did. Raises what the port raises."""
    await context.adapters.jobs_of(RunnerName.JENKINS).stop(
        _order(_request(step, context), context), context.log
    )


async def remove(step: Teardown, environment: str, context: StepContext) -> None:
    """Let the job that is configured for it remove an environment, if there is one."""
    config = step.config
    if config.job is None:
        return
    values = {
        **_values(context, context.run.sha),
        **_image_values(context),
        **_environment_values(context, environment),
    }
    ending = await _run(JobRequest(step.name, config, values, part=environment), context)
    if ending.result != PASSED:
        result = _failure(ending, context)
        raise TellUser(result.reason or Reason.JENKINS_FAILED, result.facts, log=result.log_tail)


def _request(step: Step, context: StepContext) -> JobRequest:
    """Return what the job of a build, deploy or test step is to do."""
    match step:
        case Build():
            image = _suggested(step, context)
            values = {"image": image, "tag": image.rpartition(":")[2]}
            return JobRequest(
                step.name, step.config, _values(context, step.sha) | values, files=step.config.artifacts
            )
        case Deploy():
            values = _image_values(context) | _environment_values(context, step.environment)
            return JobRequest(
                step.name, step.config, _values(context, step.sha) | values, files=step.config.artifacts
            )
        case Test():
            values = _image_values(context) | _environment_values(context, step.environment)
            suites = {"suites": ",".join(suite.name for suite in step.suites)}
            return JobRequest(
                step.name,
                step.config,
                _values(context, step.sha) | values | suites,
                files=step.config.artifacts,
                tested=True,
                failed="\n".join(name for suite in step.suites for name in suite.failed),
            )
        case Teardown():
            raise AssertionError("a teardown is more than a job")


def _suggested(step: Build, context: StepContext) -> str:
    return context.adapters.registry.tag_for(context.run.repo, context.run.number, step.sha)


async def _build(step: Build, context: StepContext) -> StepResult:
    await context.adapters.registry.prepare(context.run.repo)
    ending = await _run(_request(step, context), context)
    if ending.result != PASSED:
        return _failure(ending, context)
    told = _told(ending)
    facts = _facts(ending)
    if not told.image:
        return StepResult(StepState.PASSED, Reason.JENKINS_NO_IMAGE, facts)
    image = Image(told.image, told.digest, told.size, step.sha)
    context.log.note(f"the job made {image.reference}@{image.digest}")
    if _host(image.reference) == _host(_suggested(step, context)):
        image = await context.adapters.registry.examine(image, context.log)
    result = building.verdict(image, context.adapters.fail_on)
    return replace(result, facts={**facts, **result.facts})


async def _deploy(step: Deploy, context: StepContext) -> StepResult:
    ending = await _run(_request(step, context), context)
    if ending.result != PASSED:
        return _failure(ending, context)
    told = _told(ending)
    context.log.note(f"ready at {told.url}" if told.url else "the job told no address")
    return StepResult(
        StepState.PASSED,
        facts=_facts(ending),
        url=told.url or None,
        environment=step.environment,
        image=context.image,
    )


async def _test(step: Test, context: StepContext) -> StepResult:
    ending = await _run(_request(step, context), context)
    report = ending.report if ending.report is not None else _junit(ending)
    if report is not None:
        suite = step.suites[0].name if len(step.suites) == 1 else ALL_SUITES
        about = f"{context.run.repo}!{context.run.number} · {step.sha[:8]}"
        await context.adapters.reports.save(context.run.id, suite, report, ending.files, about=about)
    return _verdict(step, ending, report, context)


def _verdict(step: Test, ending: JobEnding, report: Report | None, context: StepContext) -> StepResult:
    """Failed tests count most, then the job's own result; without a report that result decides."""
    facts = _facts(ending)
    counts = None if report is None else report.counts
    if report is not None and counts is not None and counts.failed:
        return StepResult(
            StepState.FAILED,
            Reason.TESTS_FAILED,
            {**facts, "failed": str(counts.failed), "total": str(counts.total)},
            tests=counts,
            failed_tests=junit.failed_names(report)[:SHOWN_FAILURES],
            failed_suites=tuple(suite.name for suite in step.suites),
        )
    if ending.result != PASSED:
        failure = _failure(ending, context)
        return replace(failure, tests=counts, failed_suites=tuple(suite.name for suite in step.suites))
    reason = Reason.JENKINS_NO_REPORT if report is None else None
    return StepResult(StepState.PASSED, reason, facts, tests=counts)


def _junit(ending: JobEnding) -> Report | None:
    if not ending.files:
        return None
    try:
        return junit.read(ending.files)
    except junit.UnreadableReportError as error:
        raise TellUser(
            Reason.REPORT_UNREADABLE, {**_facts(ending), "path": error.path, "message": error.message}
        ) from error


async def _run(request: JobRequest, context: StepContext) -> JobEnding:
    jobs = context.adapters.jobs_of(RunnerName.JENKINS)
    return await jobs.run(_order(request, context), context.log, context.report_progress, context.stopped)


def _order(request: JobRequest, context: StepContext) -> JobOrder:
    """Order the job that the configuration names, under a key that no other piece of work has."""
    config, run_ = request.config, context.run
    given = {name: request.values.get(value, "") for name, value in _GIVEN.items()}
    chosen = {name: placeholders.filled(text, request.values) for name, text in config.parameters.items()}
    # The time makes up for a store that was lost: its runs would be numbered from 1 again.
    began = f"{int(run_.created_at.timestamp()):x}"
    return JobOrder(
        step=request.step,
        repository=str(run_.repo),
        name=placeholders.job_name(config.job or "", request.values),
        parameters={**given, "CHATOPS_FAILED_TESTS": request.failed, **chosen},
        required=frozenset(chosen),
        key="-".join(filter(None, (f"{run_.id}.{context.index}", request.part, run_.sha[:8], began))),
        timeout=config.timeout,
        files=request.files,
        tested=request.tested,
        handle=context.handle,
    )


def _values(context: StepContext, sha: str) -> dict[str, str]:
    run_ = context.run
    return {
        "repository": str(run_.repo),
        "owner": run_.repo.owner,
        "name": run_.repo.name,
        "number": str(run_.number),
        "sha": sha,
        "short_sha": sha[:8],
        "branch": run_.branch,
        "ref": f"refs/pull/{run_.number}/head",
        "clone_url": run_.clone_url,
        "author": run_.author,
        "run": str(run_.id),
    }


def _image_values(context: StepContext) -> dict[str, str]:
    if context.image is None:
        return {}
    return {"image": context.image.pinned, "tag": context.image.tag, "digest": context.image.digest}


def _environment_values(context: StepContext, environment: str) -> dict[str, str]:
    ready = environment in context.ports or environment in context.reported_urls
    host = context.hosts.get(environment, "")
    return {
        "environment": environment,
        "host": host,
        "host_label": host.partition(".")[0],
        "service_url": context.urls.get(environment, "") if ready else "",
    }


def _told(ending: JobEnding) -> job_results.ReportedResult:
    try:
        return job_results.read(ending.files)
    except job_results.UnreadableResultError as error:
        facts = {**_facts(ending), "path": error.path, "message": error.message}
        raise TellUser(Reason.JENKINS_RESULT_UNREADABLE, facts) from error


def _failure(ending: JobEnding, context: StepContext) -> StepResult:
    reason = Reason.JENKINS_ABORTED if ending.result == ABORTED else Reason.JENKINS_FAILED
    return StepResult(StepState.FAILED, reason, _facts(ending), log_tail=context.log.tail())


def _facts(ending: JobEnding) -> dict[str, str]:
    return {"job": ending.name, "number": str(ending.number), "result": ending.result}


def _host(reference: str) -> str:
    return reference.partition("/")[0]
