"""Reads the results of a build: published test results and archived files, with limits."""

from collections.abc import Iterable
from dataclasses import dataclass

from bot.model.limits import SandboxLimits
from bot.model.report import Report
from bot.ports import Log, Sandbox
from bot.runners.jenkins import paths, responses, test_report
from bot.runners.jenkins.client import JenkinsClient, TooLargeError

LIMITS = SandboxLimits(seconds=20, output=128 << 20, inline=64 << 10)
MOST_FILES = 200
LARGEST_FILE = 20 << 20
LARGEST_SUM = 64 << 20


@dataclass(frozen=True, slots=True)
class Results:
    """The results of one build."""

    client: JenkinsClient
    name: str
    number: int
    log: Log
    sandbox: Sandbox

    async def report(self) -> Report | None:
        """Return the published test results, if there are any."""
        path = f"{paths.build(self.name, self.number)}/testReport"
        try:
            body, _ = await self.client.body(path, test_report.TREE, job=self.name, limit=test_report.LARGEST)
        except TooLargeError:
            self.log.note(f"the test results have more than {test_report.LARGEST >> 20} MiB and are skipped")
            return None
        if body is None:
            return None
        return await self.sandbox.call(LIMITS, f"{self.name} testReport", test_report.decode, body, path)

    async def files(self, patterns: Iterable[str]) -> dict[str, bytes]:
        """Return the archived files that match a pattern."""
        build = paths.build(self.name, self.number)
        body, _ = await self.client.body(build, responses.ARTIFACTS_TREE, job=self.name)
        if body is None:
            return {}
        wanted = await self.sandbox.call(
            LIMITS, f"{self.name} artifacts", responses.artifacts, body, build, tuple(patterns), MOST_FILES
        )
        found: dict[str, bytes] = {}
        left = LARGEST_SUM
        for path in wanted:
            content = await self._file(path, min(LARGEST_FILE, left))
            if content is not None:
                found[path] = content
                left -= len(content)
        return found

    async def _file(self, path: str, limit: int) -> bytes | None:
        address = paths.artifact(self.name, self.number, path)
        if address is None:
            return None
        try:
            return await self.client.content(address, limit, job=self.name)
        except TooLargeError:
            self.log.note(f"{path} is too large and is skipped")
            return None
