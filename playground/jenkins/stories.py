"""Scripted builds: the handle that they use, and common stories."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from playground.jenkins.state import Build, Story

Sleep = Callable[[float], Awaitable[None]]


class CredentialNotFoundError(Exception):
    """There is no credential with this id that the job can use; the build fails with this message."""


@dataclass(frozen=True, slots=True)
class BuildHandle:
    """What a story uses to act on its running build."""

    build: Build
    sleep: Sleep

    @property
    def parameters(self) -> Mapping[str, str]:
        """The parameters of the build."""
        return self.build.parameters

    def log(self, text: str, times: int = 1) -> None:
        """Write lines to the console."""
        self.build.console.write(f"{text}\n", times)

    def bind(self, parameter: str) -> dict[str, str]:
        """Return the values of the credentials that a parameter names, as `withCredentials` binds them.

        Jenkins masks them in the console from then on. Raises CredentialNotFoundError.
        """
        pairs = (pair.partition("=") for pair in self.parameters.get(parameter, "").split(",") if pair)
        found = {name: self._credential(id_) for name, _, id_ in pairs}
        self.build.console.masked.update(found.values())
        return found

    def _credential(self, id_: str) -> str:
        if id_ not in self.build.job.credentials:
            raise CredentialNotFoundError(f"Could not find credentials entry with ID '{id_}'")
        return self.build.job.credentials[id_]

    def archive(self, path: str, content: str | bytes) -> None:
        """Archive a file, as `archiveArtifacts` does."""
        self.build.artifacts[path] = content.encode() if isinstance(content, str) else content

    def publish(self, cases: Mapping[str, str | None], *, suite: str = "unit") -> None:
        """Publish test results, as `junit` does: the error of each test, None for one that passed."""
        self.build.report = test_report(suite, cases)


def test_report(suite: str, cases: Mapping[str, str | None]) -> dict[str, Any]:
    """Return these results as `testReport/api/json` does."""
    failed = sum(error is not None for error in cases.values())
    return {
        "_class": "hudson.tasks.junit.TestResult",
        "testActions": [],
        "duration": 0.1 * len(cases),
        "empty": not cases,
        "failCount": failed,
        "passCount": len(cases) - failed,
        "skipCount": 0,
        "suites": [
            {
                "cases": [_case(suite, name, error) for name, error in cases.items()],
                "duration": 0.1 * len(cases),
                "enclosingBlockNames": [],
                "enclosingBlocks": [],
                "id": None,
                "name": suite,
                "nodeId": None,
                "stderr": None,
                "stdout": None,
                "timestamp": None,
            }
        ],
    }


def _case(suite: str, name: str, error: str | None) -> dict[str, Any]:
    return {
        "testActions": [],
        "age": 0 if error is None else 1,
        "className": suite,
        "duration": 0.1,
        "errorDetails": error,
        "errorStackTrace": None if error is None else f"Traceback:\n{error}",
        "failedSince": 0,
        "name": name,
        "skipped": False,
        "skippedMessage": None,
        "status": "PASSED" if error is None else "REGRESSION",
        "stderr": None,
        "stdout": None,
    }


async def succeeds(handle: BuildHandle) -> str:
    """Log a line and succeed."""
    handle.log("Hello from Jenkins")
    return "SUCCESS"


def reporting(**facts: str) -> Story:
    """Return a story that archives a `chatops.env` with these values."""

    async def story(handle: BuildHandle) -> str:
        handle.log("archiving the results")
        lines = (f"{key}={value.format(**handle.parameters)}" for key, value in facts.items())
        handle.archive("out/chatops.env", "\n".join(lines) + "\n")
        return "SUCCESS"

    return story


def gated(gate: asyncio.Event, story: Story = succeeds) -> Story:
    """Return a story that waits for a gate first."""

    async def waiting(handle: BuildHandle) -> str:
        handle.log("waiting at the gate")
        await gate.wait()
        return await story(handle)

    return waiting


def fails(*lines: str) -> Story:
    """Return a story that logs these lines and fails."""

    async def story(handle: BuildHandle) -> str:
        for line in lines:
            handle.log(line)
        return "FAILURE"

    return story
