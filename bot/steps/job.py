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
from bot.steps.test import SHOWN_FAILURES
from bot.steps.work import Work

PASSED, UNSTABLE, ABORTED = "SUCCESS", "UNSTABLE", "ABORTED"
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
class Errand:
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


async def run(step: Step, work: Work) -> StepResult:
    """Carry out a build, deploy or test step. Raises what `ports.Jobs.run` does."""
    match step:
        case Build():
            return await _build(step, work)
        case Deploy():
            return await _deploy(step, work)
        case Test():
            return await _test(step, work)
        case Teardown():
            raise AssertionError("a teardown is more than a job")


async def abandon(step: Step, work: Work) -> None:
    """Stop the job that an interrupted attempt began, if it did. Raises what the port raises."""
    await work.doors.jobs_of(RunnerName.JENKINS).stop(_order(_errand(step, work), work), work.log)


async def remove(step: Teardown, environment: str, work: Work) -> None:
    """Let the job that is configured for it remove an environment, if there is one."""
    config = step.config
    if config.job is None:
        return
    values = {**_values(work, work.run.sha), **_image_values(work), **_environment_values(work, environment)}
    ending = await _run(Errand(step.name, config, values, part=environment), work)
    if ending.result != PASSED:
        result = _failure(ending, work)
        raise TellUser(result.reason or Reason.JENKINS_FAILED, result.facts, log=result.log_tail)


def _errand(step: Step, work: Work) -> Errand:
    """Return what the job of a build, deploy or test step is to do."""
    match step:
        case Build():
            image = _suggested(step, work)
            values = {"image": image, "tag": image.rpartition(":")[2]}
            return Errand(
                step.name, step.config, _values(work, step.sha) | values, files=step.config.artifacts
            )
        case Deploy():
            values = _image_values(work) | _environment_values(work, step.environment)
            return Errand(
                step.name, step.config, _values(work, step.sha) | values, files=step.config.artifacts
            )
        case Test():
            values = _image_values(work) | _environment_values(work, step.environment)
            suites = {"suites": ",".join(suite.name for suite in step.suites)}
            return Errand(
                step.name,
                step.config,
                _values(work, step.sha) | values | suites,
                files=step.config.artifacts,
                tested=True,
                failed="\n".join(name for suite in step.suites for name in suite.failed),
            )
        case Teardown():
            raise AssertionError("a teardown is more than a job")


def _suggested(step: Build, work: Work) -> str:
    return work.doors.registry.tag_for(work.run.repo, work.run.number, step.sha)


async def _build(step: Build, work: Work) -> StepResult:
    await work.doors.registry.prepare(work.run.repo)
    ending = await _run(_errand(step, work), work)
    if ending.result != PASSED:
        return _failure(ending, work)
    told = _told(ending)
    facts = _facts(ending)
    if not told.image:
        return StepResult(StepState.PASSED, Reason.JENKINS_NO_IMAGE, facts)
    image = Image(told.image, told.digest, told.size, step.sha)
    work.log.note(f"the job made {image.reference}@{image.digest}")
    if _host(image.reference) == _host(_suggested(step, work)):
        image = await work.doors.registry.examine(image, work.log)
    result = building.verdict(image, work.doors.fail_on)
    return replace(result, facts={**facts, **result.facts})


async def _deploy(step: Deploy, work: Work) -> StepResult:
    ending = await _run(_errand(step, work), work)
    if ending.result != PASSED:
        return _failure(ending, work)
    told = _told(ending)
    work.log.note(f"ready at {told.url}" if told.url else "the job told no address")
    return StepResult(
        StepState.PASSED,
        facts=_facts(ending),
        url=told.url or None,
        environment=step.environment,
        image=work.image,
    )


async def _test(step: Test, work: Work) -> StepResult:
    ending = await _run(_errand(step, work), work)
    report = ending.report if ending.report is not None else _junit(ending)
    if report is not None:
        suite = step.suites[0].name if len(step.suites) == 1 else ALL_SUITES
        about = f"{work.run.repo}!{work.run.number} · {step.sha[:8]}"
        await work.doors.reports.save(work.run.id, suite, report, ending.files, about=about)
    return _verdict(step, ending, report, work)


def _verdict(step: Test, ending: JobEnding, report: Report | None, work: Work) -> StepResult:
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
        failure = _failure(ending, work)
        return replace(failure, tests=counts, failed_suites=tuple(suite.name for suite in step.suites))
    reason = Reason.JENKINS_NO_REPORT if report is None else None
    return StepResult(StepState.PASSED, reason, facts, tests=counts)


def _junit(ending: JobEnding) -> Report | None:
    if not ending.files:
        return None
    try:
        return junit.read(ending.files)
    except junit.UnreadableError as error:
        raise TellUser(
            Reason.REPORT_UNREADABLE, {**_facts(ending), "path": error.path, "message": error.message}
        ) from error


async def _run(errand: Errand, work: Work) -> JobEnding:
    jobs = work.doors.jobs_of(RunnerName.JENKINS)
    return await jobs.run(_order(errand, work), work.log, work.tell, work.stopped)


def _order(errand: Errand, work: Work) -> JobOrder:
    """Order the job that the configuration names, under a key that no other piece of work has."""
    config, run_ = errand.config, work.run
    given = {name: errand.values.get(value, "") for name, value in _GIVEN.items()}
    chosen = {name: placeholders.filled(text, errand.values) for name, text in config.parameters.items()}
    # The time makes up for a store that was lost: its runs would be numbered from 1 again.
    began = f"{int(run_.created_at.timestamp()):x}"
    return JobOrder(
        step=errand.step,
        repository=str(run_.repo),
        name=placeholders.job_name(config.job or "", errand.values),
        parameters={**given, "CHATOPS_FAILED_TESTS": errand.failed, **chosen},
        required=frozenset(chosen),
        key="-".join(filter(None, (f"{run_.id}.{work.index}", errand.part, run_.sha[:8], began))),
        timeout=config.timeout,
        files=errand.files,
        tested=errand.tested,
        handle=work.handle,
    )


def _values(work: Work, sha: str) -> dict[str, str]:
    run_ = work.run
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


def _image_values(work: Work) -> dict[str, str]:
    if work.image is None:
        return {}
    return {"image": work.image.pinned, "tag": work.image.tag, "digest": work.image.digest}


def _environment_values(work: Work, environment: str) -> dict[str, str]:
    ready = environment in work.ports or environment in work.told
    host = work.hosts.get(environment, "")
    return {
        "environment": environment,
        "host": host,
        "host_label": host.partition(".")[0],
        "service_url": work.urls.get(environment, "") if ready else "",
    }


def _told(ending: JobEnding) -> job_results.Told:
    try:
        return job_results.read(ending.files)
    except job_results.UnreadableError as error:
        facts = {**_facts(ending), "path": error.path, "message": error.message}
        raise TellUser(Reason.JENKINS_RESULT_UNREADABLE, facts) from error


def _failure(ending: JobEnding, work: Work) -> StepResult:
    reason = Reason.JENKINS_ABORTED if ending.result == ABORTED else Reason.JENKINS_FAILED
    return StepResult(StepState.FAILED, reason, _facts(ending), log_tail=work.log.tail())


def _facts(ending: JobEnding) -> dict[str, str]:
    return {"job": ending.name, "number": str(ending.number), "result": ending.result}


def _host(reference: str) -> str:
    return reference.partition("/")[0]
