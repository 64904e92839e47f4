"""Jobs of the playground's Jenkins that really build, push and test the image.

They use the bot's adapters for what a Jenkinsfile does with shell steps; see docs/jenkins.md.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.core import naming
from bot.core.results import report_files
from bot.gitee.source import GitSource
from bot.model.environment import EnvironmentKey
from bot.model.errors import ChatOpsError
from bot.model.forge import RepoPath
from bot.model.report import Case, CaseState
from bot.ports import BuildOrder, TestSpec
from bot.runners.docker.builder import DockerBuilder
from bot.runners.docker.engine import DockerEngine
from bot.runners.docker.platform import DockerPlatform
from bot.sandbox.process import ProcessSandbox
from playground.jenkins.stories import BuildHandle

_PORT = 8080
_REPORTS = "/reports"
_STATUS = {
    CaseState.PASSED: "PASSED",
    CaseState.FLAKY: "PASSED",
    CaseState.FAILED: "FAILED",
    CaseState.SKIPPED: "SKIPPED",
}


@dataclass(frozen=True, slots=True)
class DemoJobs:
    """The jobs, and the adapters that they use."""

    source: GitSource
    builder: DockerBuilder
    platform: DockerPlatform

    async def build_image(self, handle: BuildHandle) -> str:
        """Build and push the image, and report it."""
        return await _as_result(handle, self._build_image(handle))

    async def test(self, handle: BuildHandle) -> str:
        """Run the tests against the deployed service, and publish their results."""
        return await _as_result(handle, self._test(handle))

    async def _build_image(self, handle: BuildHandle) -> str:
        tag = handle.parameters["CHATOPS_IMAGE"]
        _, size = await self._built(handle, tag, "runtime")
        handle.log("[Pipeline] stage (Push)")
        digest = await self.builder.push(tag, _ConsoleWriter(handle))
        handle.log("[Pipeline] archiveArtifacts")
        handle.archive("chatops.env", f"IMAGE={tag}\nIMAGE_DIGEST={digest}\nIMAGE_SIZE={size}\n")
        return "SUCCESS"

    async def _test(self, handle: BuildHandle) -> str:
        key = _key(handle)
        image, _ = await self._built(handle, f"chatops-playground-tests:{key.number}", "test")
        handle.log("[Pipeline] stage (Test)")
        service = await self.platform.service_url(key, _PORT)
        spec = TestSpec(
            key=key,
            suite="default",
            image=image,
            command="",
            env={"SERVICE_URL": service, "JUNIT_PATH": f"{_REPORTS}/junit.xml"},
            report=_REPORTS,
            timeout=300,
            memory="1g",
            labels=_labels(handle),
        )
        output = await self.platform.run_tests(spec, _ConsoleWriter(handle))
        handle.log("[Pipeline] junit")
        report = report_files.read(output.files)
        handle.build.report = {
            "_class": "hudson.tasks.junit.TestResult",
            "suites": [{"name": "pytest", "cases": [_case(case) for case in report.cases]}],
        }
        return "UNSTABLE" if report.counts.failed else "SUCCESS"

    async def _built(self, handle: BuildHandle, tag: str, target: str) -> tuple[str, int]:
        given, key = handle.parameters, _key(handle)
        handle.log("[Pipeline] stage (Checkout)")
        handle.log(f"Checking out Revision {given['CHATOPS_SHA']} ({given['CHATOPS_REF']})")
        await self.source.fetch(key.repo, given["CHATOPS_CLONE_URL"], key.number, given["CHATOPS_SHA"])
        handle.log(f"[Pipeline] stage (Build {target})")
        async with self.source.archive(key.repo, given["CHATOPS_SHA"]) as context:
            order = BuildOrder(tag, "Dockerfile", target, {}, _labels(handle), context)
            built = await self.builder.build(order, _ConsoleWriter(handle))
        return built.id, built.size


@asynccontextmanager
async def open_demo_jobs(folder: Path, gitee_url: str, token: str, instance: str) -> AsyncIterator[DemoJobs]:
    """Connect to Docker Engine until the block ends."""
    engine = await DockerEngine.connect()
    try:
        yield DemoJobs(
            GitSource(folder, gitee_url, token),
            DockerBuilder(engine, ProcessSandbox(), instance=instance),
            DockerPlatform(engine, instance=instance),
        )
    finally:
        await engine.close()


@dataclass(frozen=True, slots=True)
class _ConsoleWriter:
    """Writes the output of the adapters to a build's console."""

    handle: BuildHandle

    def write(self, text: str) -> None:
        self.handle.build.console.write(text)

    def note(self, text: str) -> None:
        self.handle.log(f"+ {text}")

    def tail(self, lines: int = 40) -> str:  # noqa: ARG002 - the signature of the port
        return ""


async def _as_result(handle: BuildHandle, work: Any) -> str:
    try:
        result: str = await work
    except ChatOpsError as error:
        handle.log(error.log or str(error))
        handle.log(f"ERROR: {error}")
        return "FAILURE"
    return result


def _key(handle: BuildHandle) -> EnvironmentKey:
    given = handle.parameters
    repo = RepoPath.parse(given["CHATOPS_REPOSITORY"])
    return EnvironmentKey(repo, int(given["CHATOPS_PR"]), given["CHATOPS_ENVIRONMENT"] or "preview")


def _labels(handle: BuildHandle) -> dict[str, str]:
    return naming.labels(_key(handle), sha=handle.parameters["CHATOPS_SHA"], run=0)


def _case(case: Case) -> dict[str, Any]:
    return {
        "className": case.suite,
        "name": case.name,
        "status": _STATUS[case.state],
        "duration": case.seconds,
        "errorDetails": case.message or None,
        "errorStackTrace": case.details or None,
        "skippedMessage": case.message if case.state is CaseState.SKIPPED else None,
    }
