"""The test step: runs the suites beside the environment, and turns their reports into a result."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bot.core.results import junit
from bot.model.plan import Build, Suite, Test
from bot.model.reason import Reason
from bot.model.report import Report
from bot.model.run import StepResult, StepState, TestCounts
from bot.ports import TestOutput, TestSpec
from bot.steps import junit_reports
from bot.steps.build import build_target, read_dockerfile
from bot.steps.context import StepContext

REPORT_FILE = "junit.xml"
SHOWN_FAILURES = 50


@dataclass(frozen=True, slots=True)
class SuiteResult:
    """The result of one suite, without its report, which can take much memory."""

    suite: str
    exit_code: int
    counts: TestCounts | None
    """None if it wrote no report."""
    failed_tests: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()

    @property
    def failed(self) -> bool:
        """Whether the suite failed, by its report or by its exit code; what was not read did not pass."""
        return self.exit_code != 0 or bool(self.unread or (self.counts and self.counts.failed))


async def run(step: Test, context: StepContext) -> StepResult:
    """Run every suite, even after one has failed. Raises what the ports raise."""
    if context.resumed:
        platform = context.adapters.platform(step.config.runner)
        for holder in context.holders:
            await platform.stop_tests(context.key(step.environment), holder)
    image = await _image(step, context)
    if image is None:
        return StepResult(StepState.SKIPPED, Reason.NO_TESTS)
    results = [await _run_suite(step, suite, image, context) for suite in step.suites]
    return verdict(results, step.config.report, context.log.tail())


async def _image(step: Test, context: StepContext) -> str | None:
    """Return the image with the tests: the test stage, otherwise the service's if a suite has a command."""
    config = step.config
    recipe = await read_dockerfile(step.build, step.sha, context)
    if config.target is not None and recipe.stage(config.target):
        tag = context.adapters.registry.tag_for(context.run.repo, context.run.number, step.sha) + "-test"
        build = Build(step.sha, replace(step.build, target=config.target), step.trusted)
        built = await build_target(build, tag, context)
        return built.id if config.runner is step.build.runner else await _pushed(step, tag, context)
    if any(suite.command for suite in step.suites) and context.image is not None:
        return context.image.pinned
    return None


async def _pushed(step: Test, tag: str, context: StepContext) -> str:
    """Push the test image for a runner that is not the builder; return its pinned reference."""
    digest = await context.adapters.builder(step.build.runner).push(tag, context.log)
    return f"{tag.rpartition(':')[0]}@{digest}"


async def _run_suite(step: Test, suite: Suite, image: str, context: StepContext) -> SuiteResult:
    context.log.note(f"suite {suite.name}")
    spec = _specification(step, suite, image, context)
    output = await context.adapters.platform(step.config.runner).run_tests(spec, context.log)
    report = await _read(output, step.config.report, context)
    if report is None:
        return SuiteResult(suite.name, output.exit_code, None)
    about = f"{context.run.repo}!{context.run.number} · {step.sha[:8]}"
    await context.adapters.reports.save(context.run.id, suite.name, report, output.files, about=about)
    names = junit.failed_names(report, SHOWN_FAILURES)
    return SuiteResult(suite.name, output.exit_code, report.counts, names, report.unread)


def _specification(step: Test, suite: Suite, image: str, context: StepContext) -> TestSpec:
    key, environment = context.key(step.environment), context.environments.get(step.environment)
    return TestSpec(
        key=key,
        suite=suite.name,
        image=image,
        command=suite.command,
        env={**step.config.env, **_environment(step, suite, context)},
        report=step.config.report,
        timeout=step.config.timeout,
        memory="1g",
        labels=context.labels(step.environment),
        standalone=not environment or environment.port is None,
        secrets=context.secrets.get("test", ()),
    )


def _environment(step: Test, suite: Suite, context: StepContext) -> dict[str, str]:
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
        found["SERVICE_URL"] = platform.service_url(context.key(step.environment), environment.port)
        found["PUBLIC_URL"] = environment.url
    elif environment and environment.reported_url:
        found["SERVICE_URL"] = found["PUBLIC_URL"] = environment.reported_url
    return found


def _junit_path(report: str) -> str:
    return report if report.endswith(".xml") else f"{report.rstrip('/')}/{REPORT_FILE}"


async def _read(output: TestOutput, path: str, context: StepContext) -> Report | None:
    folder = path.rstrip("/")
    results = {
        f"{folder}/{name}": data for name, data in output.files.items() if name.lower().endswith(".xml")
    }
    return await junit_reports.read(results, context, path) if results else None


def verdict(results: Sequence[SuiteResult], path: str, tail: str) -> StepResult:
    """Combine the results of the suites: failed if any failed. Without reports the exit codes decide."""
    reports = [result.counts for result in results if result.counts is not None]
    counts = sum(reports, TestCounts())
    broken = [result for result in results if result.failed]
    if not broken:
        reason = Reason.NO_REPORT if not reports else None
        return StepResult(
            StepState.PASSED, reason, {"path": path, "code": "0"}, tests=counts if reports else None
        )
    unread = [path for result in results for path in result.unread]
    cut = None if counts.failed else junit_reports.cut(unread)
    return StepResult(
        StepState.FAILED,
        Reason.REPORT_CUT if cut else _reason(counts, reported=bool(reports)),
        cut or _facts(counts, broken[0].exit_code, path),
        log_tail="" if counts.failed else tail,
        tests=counts if reports else None,
        failed_tests=tuple(name for result in results for name in result.failed_tests)[:SHOWN_FAILURES],
        failed_suites=tuple(result.suite for result in broken),
    )


def _reason(counts: TestCounts, *, reported: bool) -> Reason:
    if counts.failed:
        return Reason.TESTS_FAILED
    return Reason.TESTS_EXITED if reported else Reason.NO_REPORT


def _facts(counts: TestCounts, code: int, path: str) -> dict[str, str]:
    return {"failed": str(counts.failed), "total": str(counts.total), "code": str(code), "path": path}
