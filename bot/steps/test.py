"""The test step: runs the suites beside the environment, and turns their reports into a result."""

from dataclasses import replace

from bot.core.deciding.dockerfile import Stage
from bot.core.environments import public
from bot.core.results import report_files
from bot.core.results.suites import SHOWN_FAILURES, SuiteResult, verdict
from bot.model.forge import Checkout
from bot.model.plan import Build, Suite, Test
from bot.model.reason import Reason
from bot.model.report import Report
from bot.model.run import StepResult, StepState
from bot.ports import Built, TestOutput, TestSpec
from bot.steps import suite_reports
from bot.steps.build import build_target, prepare, read_dockerfile
from bot.steps.context import StepContext

REPORT_FILE = "junit.xml"


async def run(step: Test, context: StepContext) -> StepResult:
    """Run every suite, even after one has failed. Raises what the ports raise."""
    if context.resumed:
        platform = context.adapters.platform(step.config.runner)
        for holder in context.holders:
            await platform.stop_tests(context.key(step.environment), holder)
    source = await prepare(step.sha, context, trusted=step.trusted)
    recipe = await read_dockerfile(step.build, source.sha, context)
    stage = None if step.config.target is None else recipe.stage(step.config.target)
    if stage is not None and not stage.command and not any(suite.command for suite in step.suites):
        return await _tested_by_build(step, stage, source, context)
    image = await _image(step, stage, source, context)
    if image is None:
        return StepResult(StepState.SKIPPED, Reason.NO_TESTS)
    results = [await _run_suite(step, suite, image, context) for suite in step.suites]
    return verdict(results, step.config.report, context.log.tail())


async def _tested_by_build(step: Test, stage: Stage, source: Checkout, context: StepContext) -> StepResult:
    """Build a stage that has no command of its own: the command that it inherits would test nothing."""
    facts = {"target": step.config.target or ""}
    if not stage.runs:
        return StepResult(StepState.SKIPPED, Reason.NOTHING_TESTED, facts)
    await _built(step, source, context)
    return StepResult(StepState.PASSED, Reason.TESTED_BY_BUILD, facts)


async def _image(step: Test, stage: Stage | None, source: Checkout, context: StepContext) -> str | None:
    """Return the image with the tests: their stage, otherwise the image itself if a suite has a command."""
    if stage is not None:
        built, tag = await _built(step, source, context)
        if step.config.runner is step.build.runner:
            return built.id
        return await _pushed(step, tag, context)
    image = context.image.led_by(step.image) if context.image else None
    return image.pinned if image and any(suite.command for suite in step.suites) else None


async def _built(step: Test, source: Checkout, context: StepContext) -> tuple[Built, str]:
    """Build the test stage; return it with its tag."""
    run_, registry = context.run, context.adapters.registry
    tag = registry.tag_for(run_.repo, run_.number, context.built_commit(step.sha), step.image) + "-test"
    build = Build(step.sha, replace(step.build, target=step.config.target), step.trusted, step.image)
    return await build_target(build, source, tag, context), tag


async def _pushed(step: Test, tag: str, context: StepContext) -> str:
    """Push the test image for a runner that is not the builder; return its pinned reference."""
    digest = await context.adapters.builder(step.build.runner).push(tag, context.log)
    return f"{tag.rpartition(':')[0]}@{digest}"


async def _run_suite(step: Test, suite: Suite, image: str, context: StepContext) -> SuiteResult:
    context.log.note(f"suite {suite.name}")
    spec = await _specification(step, suite, image, context)
    await context.confirm()  # Its image was built for minutes, and nothing else refuses an outdated suite.
    output = await context.adapters.platform(step.config.runner).run_tests(spec, context.log)
    report = await _read(output, step.config.report, context)
    if report is None:
        return SuiteResult(suite.name, output.exit_code, None)
    if report.recognized:
        about = f"{context.run.repo}!{context.run.number} · {step.sha[:8]}"
        await context.adapters.reports.save(context.run.id, suite.name, report, output.files, about=about)
    return SuiteResult(
        suite.name,
        output.exit_code,
        report.counts if report.recognized else None,
        report_files.failed_names(report, SHOWN_FAILURES),
        report.unread,
        report.unreadable,
        report.foreign,
        report_files.failure_messages(report),
    )


async def _specification(step: Test, suite: Suite, image: str, context: StepContext) -> TestSpec:
    key, environment = context.key(step.environment), context.environments.get(step.environment)
    return TestSpec(
        key=key,
        suite=suite.name,
        image=image,
        command=suite.command,
        env={**step.config.env, **(await _environment(step, suite, context))},
        report=step.config.report,
        timeout=step.config.timeout,
        memory=step.config.memory,
        cpus=float(step.config.cpu) if step.config.cpu else None,
        labels=context.labels(step.environment),
        standalone=not environment or environment.port is None,
        secrets=context.secrets.get("test", ()),
    )


async def _environment(step: Test, suite: Suite, context: StepContext) -> dict[str, str]:
    """Return the variables that every suite gets."""
    found = {
        "JUNIT_PATH": _junit_path(step.config.report),
        "CHATOPS_SUITE": suite.name,
        "CHATOPS_SHA": step.sha,
        "CHATOPS_PR": str(context.run.number),
        "CHATOPS_FAILED_TESTS": "\n".join(suite.failed),
    }
    environment = context.environments.get(step.environment)
    if environment and environment.port is not None:
        platform = context.adapters.platform(step.config.runner)
        found["SERVICE_URL"] = await platform.service_url(context.key(step.environment), environment.port)
        found |= public.variables(environment.url, environment.public)
    elif environment and environment.reported_url:
        found["SERVICE_URL"] = found["PUBLIC_URL"] = environment.reported_url
    return found


def _junit_path(report: str) -> str:
    return report if report_files.is_report(report) else f"{report.rstrip('/')}/{REPORT_FILE}"


async def _read(output: TestOutput, path: str, context: StepContext) -> Report | None:
    folder = path.rstrip("/")
    results = {
        f"{folder}/{name}": data for name, data in output.files.items() if report_files.is_report(name)
    }
    if not results:
        return None
    return await suite_reports.read(results, context, path, passed=output.exit_code == 0)
