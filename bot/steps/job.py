"""Steps that a Jenkins job executes: the parameters it gets, and what its result means for the step."""

from collections.abc import Mapping
from dataclasses import replace
from typing import TypeGuard

from bot.core.admission import secrets
from bot.core.deciding import placeholders
from bot.core.results import job_results, report_files, suites
from bot.core.results.unreadable import UnreadableFileError
from bot.model.errors import TellUser
from bot.model.limits import SandboxLimits
from bot.model.pipeline import BuildConfig, DeployConfig, RunnerName, TeardownConfig, TestConfig
from bot.model.plan import Build, Deploy, Step, Teardown, Test
from bot.model.reason import Reason
from bot.model.report import Report
from bot.model.run import Image, StepResult, StepState, TestCounts
from bot.ports import JobEnding, JobOrder
from bot.steps import build as building
from bot.steps import suite_reports
from bot.steps.context import StepContext

RESULT_LIMITS = SandboxLimits(seconds=20, inline=64 << 10)
PASSED, ABORTED = "SUCCESS", "ABORTED"
ALL_SUITES = "all"

JobConfig = BuildConfig | DeployConfig | TestConfig | TeardownConfig
JobStep = Build | Deploy | Test

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
    "CHATOPS_FAILED_TESTS": "failed_tests",
}
"""Parameters that every job gets if it declares them, by the value that each is set to."""


def is_job(step: Step) -> TypeGuard[JobStep]:
    """Whether a Jenkins job executes this step as a whole."""
    return not isinstance(step, Teardown) and step.config.runner is RunnerName.JENKINS


async def run(step: JobStep, context: StepContext) -> StepResult:
    """Execute a step. Raises what `ports.Jobs.run` does."""
    match step:
        case Build():
            return await _build(step, context)
        case Deploy():
            return await _deploy(step, context)
        case Test():
            return await _test(step, context)


async def abandon(step: JobStep, context: StepContext) -> None:
    """Stop the job that an interrupted attempt started, if it did. Raises what `ports.Jobs.stop` does."""
    await context.adapters.jobs_of(RunnerName.JENKINS).stop(_order(step, context), context.log)


async def remove(step: Teardown, environment: str, context: StepContext) -> None:
    """Remove an environment by the job that is configured for it, if there is one."""
    if step.config.job is None:
        return
    values = {
        **context.values(context.run.sha),
        **_image_values(context),
        **_environment_values(context, environment),
    }
    ending = await _run(_configured(step.name, step.config, values, context, part=environment), context)
    if ending.result != PASSED:
        result = _failure(ending, context)
        raise TellUser(result.reason or Reason.JENKINS_FAILED, result.facts, log=result.log_tail)


def _order(step: JobStep, context: StepContext) -> JobOrder:
    """Return the order for a step's job."""
    values = context.values(step.sha)
    if isinstance(step, Build):
        image = _suggested(step, context)
        values |= {"image": image, "tag": image.rpartition(":")[2]}
    else:
        values |= _image_values(context) | _environment_values(context, step.environment)
    if isinstance(step, Test):
        values["suites"] = ",".join(suite.name for suite in step.suites)
        values["failed_tests"] = "\n".join(name for suite in step.suites for name in suite.failed)
    order = _configured(step.name, step.config, values, context)
    credentials = secrets.job_parameters(step, context.adapters.grants)
    return replace(
        order,
        parameters={**order.parameters, **credentials},
        required=order.required | {name for name, ids in credentials.items() if ids},
        files=step.config.artifacts,
        tested=isinstance(step, Test),
    )


def _configured(
    step: str, config: JobConfig, values: Mapping[str, str], context: StepContext, *, part: str = ""
) -> JobOrder:
    """Order the configured job under a unique key; `part` distinguishes several jobs of one step."""
    run_ = context.run
    given = {name: values.get(value, "") for name, value in _GIVEN.items()}
    chosen = {name: placeholders.fill(text, values) for name, text in config.parameters.items()}
    # A store that was lost numbers its runs from 1 again; the time keeps their keys apart.
    created = f"{int(run_.created_at.timestamp()):x}"
    return JobOrder(
        step=step,
        repository=str(run_.repo),
        name=placeholders.job_name(config.job or "", values),
        parameters={**given, **chosen},
        required=frozenset(chosen),
        key="-".join(filter(None, (f"{run_.id}.{context.index}", part, run_.sha[:8], created))),
        timeout=config.timeout,
        handle=context.handle,
    )


def _suggested(step: Build, context: StepContext) -> str:
    return context.adapters.registry.tag_for(context.run.repo, context.run.number, step.sha)


async def _build(step: Build, context: StepContext) -> StepResult:
    await context.adapters.registry.prepare(context.run.repo)
    ending = await _run(_order(step, context), context)
    if ending.result != PASSED:
        return _failure(ending, context)
    reported = await _reported(ending, context)
    facts = _facts(ending)
    if not reported.image:
        return StepResult(StepState.PASSED, Reason.JENKINS_NO_IMAGE, facts)
    image = Image(reported.image, reported.digest, reported.size, step.sha)
    context.log.note(f"the job made {image.reference}@{image.digest}")
    if _host(image.reference) == _host(_suggested(step, context)):
        image = await context.adapters.registry.examine(image, context.log)
    result = building.verdict(image, context.adapters.fail_on)
    return replace(result, facts={**facts, **result.facts})


async def _deploy(step: Deploy, context: StepContext) -> StepResult:
    ending = await _run(_order(step, context), context)
    if ending.result != PASSED:
        return _failure(ending, context)
    reported = await _reported(ending, context)
    context.log.note(f"ready at {reported.url}" if reported.url else "the job reported no address")
    return StepResult(
        StepState.PASSED,
        facts=_facts(ending),
        url=reported.url or None,
        environment=step.environment,
        image=context.image,
    )


async def _test(step: Test, context: StepContext) -> StepResult:
    ending = await _run(_order(step, context), context)
    report = ending.report
    if report is None and ending.files:
        passed = ending.result == PASSED
        report = await suite_reports.read(ending.files, context, ending.name, passed=passed)
    if report is not None and report.recognized:
        suite = step.suites[0].name if len(step.suites) == 1 else ALL_SUITES
        about = f"{context.run.repo}!{context.run.number} · {step.sha[:8]}"
        await context.adapters.reports.save(context.run.id, suite, report, ending.files, about=about)
    return _verdict(step, ending, report, context)


def _verdict(step: Test, ending: JobEnding, report: Report | None, context: StepContext) -> StepResult:
    """Failed tests count most, then the job's own result; without a report that result decides."""
    facts = _facts(ending)
    if report is None:
        if ending.result != PASSED:
            return replace(_failure(ending, context), failed_suites=_names(step))
        return StepResult(StepState.PASSED, Reason.JENKINS_NO_REPORT, facts)
    counts = report.counts if report.recognized else None
    unreadable = suites.unreadable_notes(report.unreadable)
    if counts is not None and counts.failed:
        return StepResult(
            StepState.FAILED,
            Reason.TESTS_FAILED,
            {**facts, "failed": str(counts.failed), "total": str(counts.total)},
            tests=counts,
            failed_tests=report_files.failed_names(report, suites.SHOWN_FAILURES),
            failure_messages=report_files.failure_messages(report),
            failed_suites=_names(step),
            notes=unreadable,
        )
    if ending.result != PASSED:
        failure = _failure(ending, context)
        return replace(failure, tests=counts, failed_suites=_names(step), notes=unreadable)
    return _passed(ending, report, counts)


def _passed(ending: JobEnding, report: Report, counts: TestCounts | None) -> StepResult:
    """Return the result of a job that ended well and reports no failed test."""
    facts = _facts(ending)
    if unreadable := suites.unreadable_notes(report.unreadable):
        told = {**facts, **unreadable[0].facts}
        reason = Reason.REPORT_UNREADABLE
        return StepResult(StepState.FAILED, reason, told, tests=counts, notes=unreadable[1:])
    if cut := suites.cut(report.unread):
        return StepResult(StepState.FAILED, Reason.REPORT_CUT, {**facts, **cut}, tests=counts)
    if counts is None:
        notes = suites.foreign_notes(report.foreign)
        return StepResult(StepState.PASSED, Reason.JENKINS_NO_REPORT, facts, notes=notes)
    if suites.none_ran(counts):
        return StepResult(StepState.SKIPPED, Reason.JENKINS_NO_TEST_RAN, facts, tests=counts)
    return StepResult(StepState.PASSED, None, facts, tests=counts)


def _names(step: Test) -> tuple[str, ...]:
    return tuple(suite.name for suite in step.suites)


async def _run(order: JobOrder, context: StepContext) -> JobEnding:
    jobs = context.adapters.jobs_of(RunnerName.JENKINS)
    return await jobs.run(order, context.log, context.report_progress, context.stopped)


def _image_values(context: StepContext) -> dict[str, str]:
    if context.image is None:
        return {}
    return {"image": context.image.pinned, "tag": context.image.tag, "digest": context.image.digest}


def _environment_values(context: StepContext, name: str) -> dict[str, str]:
    environment = context.environments.get(name)
    host = environment.host if environment else ""
    return {
        "environment": name,
        "host": host,
        "host_label": host.partition(".")[0],
        "service_url": environment.url if environment and environment.ready else "",
    }


async def _reported(ending: JobEnding, context: StepContext) -> job_results.ReportedResult:
    try:
        return await context.adapters.sandbox.call(
            RESULT_LIMITS, ending.name, job_results.read, dict(ending.files)
        )
    except UnreadableFileError as error:
        facts = {**_facts(ending), "path": error.path, "message": error.message}
        raise TellUser(Reason.JENKINS_RESULT_UNREADABLE, facts) from error


def _failure(ending: JobEnding, context: StepContext) -> StepResult:
    reason = Reason.JENKINS_ABORTED if ending.result == ABORTED else Reason.JENKINS_FAILED
    return StepResult(StepState.FAILED, reason, _facts(ending), log_tail=context.log.tail())


def _facts(ending: JobEnding) -> dict[str, str]:
    return {"job": ending.name, "number": str(ending.number), "result": ending.result}


def _host(reference: str) -> str:
    return reference.partition("/")[0]
