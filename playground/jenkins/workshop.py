"""Jobs of the playground's Jenkins that really work: they build the image, push it, and run the tests.

What a Jenkinsfile would do with shell steps (see docs/jenkins.md) is done here with the parts at hand.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.core import naming
from bot.core.results import junit
from bot.gitee.source import GitSource
from bot.model.environment import EnvironmentKey
from bot.model.errors import ChatOpsError
from bot.model.forge import RepoPath
from bot.model.report import Case, CaseState
from bot.ports import BuildOrder, TestSpec
from bot.runners.docker.builder import DockerBuilder
from bot.runners.docker.connection import DockerSettings
from bot.runners.docker.engine import DockerEngine
from bot.runners.docker.platform import DockerPlatform
from playground.jenkins.stories import ActiveRun

_PORT = 8080
_REPORTS = "/reports"
_STATUS = {
    CaseState.PASSED: "PASSED",
    CaseState.FLAKY: "PASSED",
    CaseState.FAILED: "FAILED",
    CaseState.SKIPPED: "SKIPPED",
}


@dataclass(frozen=True, slots=True)
class Workshop:
    """The machine on which the jobs run."""

    source: GitSource
    builder: DockerBuilder
    platform: DockerPlatform

    async def build_image(self, hand: ActiveRun) -> str:
        """Build, push, and tell what was made."""
        return await _as_result(hand, self._build_image(hand))

    async def test(self, hand: ActiveRun) -> str:
        """Run the tests beside the deployed service, and publish their results."""
        return await _as_result(hand, self._test(hand))

    async def _build_image(self, hand: ActiveRun) -> str:
        tag = hand.parameters["CHATOPS_IMAGE"]
        _, size = await self._built(hand, tag, "runtime")
        hand.say("[Pipeline] stage (Push)")
        digest = await self.builder.push(tag, _Console(hand))
        hand.say("[Pipeline] archiveArtifacts")
        hand.archive("chatops.env", f"IMAGE={tag}\nIMAGE_DIGEST={digest}\nIMAGE_SIZE={size}\n")
        return "SUCCESS"

    async def _test(self, hand: ActiveRun) -> str:
        key = _key(hand)
        image, _ = await self._built(hand, f"chatops-playground-tests:{key.number}", "test")
        hand.say("[Pipeline] stage (Test)")
        spec = TestSpec(
            key=key,
            suite="default",
            image=image,
            command="",
            env={"SERVICE_URL": self.platform.service_url(key, _PORT), "JUNIT_PATH": f"{_REPORTS}/junit.xml"},
            report=_REPORTS,
            timeout=300,
            memory="1g",
            labels=_labels(hand),
        )
        output = await self.platform.run_tests(spec, _Console(hand))
        hand.say("[Pipeline] junit")
        report = junit.read(output.files)
        hand.build.report = {
            "_class": "hudson.tasks.junit.TestResult",
            "suites": [{"name": "pytest", "cases": [_case(case) for case in report.cases]}],
        }
        return "UNSTABLE" if report.counts.failed else "SUCCESS"

    async def _built(self, hand: ActiveRun, tag: str, target: str) -> tuple[str, int]:
        given, key = hand.parameters, _key(hand)
        hand.say("[Pipeline] stage (Checkout)")
        hand.say(f"Checking out Revision {given['CHATOPS_SHA']} ({given['CHATOPS_REF']})")
        await self.source.fetch(key.repo, given["CHATOPS_CLONE_URL"], key.number, given["CHATOPS_SHA"])
        hand.say(f"[Pipeline] stage (Build {target})")
        async with self.source.archive(key.repo, given["CHATOPS_SHA"]) as context:
            order = BuildOrder(tag, "Dockerfile", target, {}, _labels(hand), context)
            built = await self.builder.build(order, _Console(hand))
        return built.id, built.size


@asynccontextmanager
async def open_workshop(folder: Path, gitee_url: str, token: str, instance: str) -> AsyncIterator[Workshop]:
    """Open the engine, as an agent of Jenkins would have it."""
    engine = await DockerEngine.connect(DockerSettings())
    try:
        yield Workshop(
            GitSource(folder, gitee_url, token),
            DockerBuilder(engine, instance=instance),
            DockerPlatform(engine, instance=instance),
        )
    finally:
        await engine.close()


@dataclass(frozen=True, slots=True)
class _Console:
    """A build's console as the parts at hand write to it."""

    hand: ActiveRun

    def write(self, text: str) -> None:
        self.hand.build.console.write(text)

    def note(self, text: str) -> None:
        self.hand.say(f"+ {text}")

    def tail(self, lines: int = 40) -> str:  # noqa: ARG002 - the port's own signature
        return ""


async def _as_result(hand: ActiveRun, work: Any) -> str:
    try:
        result: str = await work
    except ChatOpsError as error:
        hand.say(error.log or str(error))
        hand.say(f"ERROR: {error}")
        return "FAILURE"
    return result


def _key(hand: ActiveRun) -> EnvironmentKey:
    given = hand.parameters
    repo = RepoPath.parse(given["CHATOPS_REPOSITORY"])
    return EnvironmentKey(repo, int(given["CHATOPS_PR"]), given["CHATOPS_ENVIRONMENT"] or "preview")


def _labels(hand: ActiveRun) -> dict[str, str]:
    return naming.labels(_key(hand), sha=hand.parameters["CHATOPS_SHA"], run=0)


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
