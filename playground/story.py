"""The life of one pull request as a script: what each person does, and the expected results."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

import httpx

from bot.core.markers import Marker
from playground.demo_repository import DemoRepository, open_first_pull, ready_made_changes
from playground.server import OfflineGitee

T = TypeVar("T")

TIMEOUT = 180.0
"""Seconds for one act on a slow machine."""

Report = Callable[[str], None]


class StoryError(Exception):
    """An expected result did not occur; the message names it."""


@dataclass(slots=True)
class StoryContext:
    """What the acts use: servers, users and clients."""

    gitee: OfflineGitee
    demo: DemoRepository
    bot: httpx.AsyncClient
    """Client for the bot's pages and API."""
    previews: httpx.AsyncClient
    """Client for the preview proxy."""
    domain: str
    """Parent domain of the previews' hostnames, with the port."""
    registry: httpx.AsyncClient
    report: Report
    """Prints a line about the progress."""
    jenkins: str = ""
    """Address of Jenkins if its jobs build and test; otherwise empty."""
    number: int = 0
    seen: set[int] = field(default_factory=set)

    async def runs(self) -> list[dict[str, Any]]:
        """Return the runs of the pull request from the bot's API, newest first."""
        response = await self.bot.get(f"/api/v1/pulls/{self.demo.full_name}/{self.number}")
        if response.status_code == httpx.codes.NOT_FOUND:
            return []  # the bot does not know it yet
        response.raise_for_status()
        return cast("list[dict[str, Any]]", response.json()["runs"])

    async def next_run(self) -> dict[str, Any]:
        """Wait until the oldest run that was not returned before has ended, and return it."""
        run = await self.until("another run to end", self._unseen) or {}
        self.seen.add(run["id"])
        return run

    async def _unseen(self) -> dict[str, Any] | None:
        fresh = [run for run in await self.runs() if run["id"] not in self.seen]
        return fresh[-1] if fresh and fresh[-1]["finished_at"] else None

    async def until(self, what: str, poll: Callable[[], Awaitable[T]]) -> T:
        """Poll until the result is true. Raises StoryError after TIMEOUT."""
        try:
            async with asyncio.timeout(TIMEOUT):
                # The bot is another process: its state can only be polled.
                while not (result := await poll()):  # noqa: ASYNC110 - there is no event to wait for
                    await asyncio.sleep(0.2)
                return result
        except TimeoutError:
            raise StoryError(f"timed out after {TIMEOUT:.0f} s while waiting for {what}") from None


def require(condition: object, what: str) -> None:
    """Raise StoryError unless the condition holds."""
    if not condition:
        raise StoryError(what)


def states(run: dict[str, Any]) -> dict[str, str]:
    """Return the states of a run's steps by name."""
    return {step["name"]: step["state"] for step in run["steps"]}


async def play(context: StoryContext) -> None:
    """Play all acts. Raises StoryError at the first unexpected result."""
    for act in (_open, _push_and_retest, _request_status, _merge):
        await act(context)


async def _open(context: StoryContext) -> None:
    context.report("mei opens a pull request; its new feature has a bug that one test detects")
    context.number = await open_first_pull(context.gitee, context.demo)
    run = await context.next_run()
    expected = {"build": "passed", "deploy": "passed", "test": "failed"}
    require(states(run) == expected, f"the first run ended {states(run)}, not {expected}")
    if context.jenkins:
        _require_jobs(context, run)
    await _require_preview(context)
    await _require_tags(context, run, present=True)
    await _require_report(context, run)


def _require_jobs(context: StoryContext, run: dict[str, Any]) -> None:
    """Require that Jenkins built and tested, and that the steps link to its pages."""
    linked = {step["name"] for step in run["steps"] if step["link"].startswith(f"{context.jenkins}/job/")}
    require(linked == {"build", "test"}, f"only {linked} link to Jenkins")
    context.report(f"Jenkins built and tested it: {context.jenkins}/")


async def _push_and_retest(context: StoryContext) -> None:
    context.report("mei pushes the fix, then comments /retest")
    change = ready_made_changes()["fix"]
    sha = await context.gitee.push(context.demo.full_name, context.number, change, by=context.demo.developer)
    run = await context.next_run()
    require(run["sha"] == sha, f"the push of {sha[:8]} started a run of {run['sha'][:8]}")
    require(set(states(run).values()) == {"passed"}, f"after the fix the run ended {states(run)}")
    await _comment(context, "/retest", by=context.demo.developer)
    again = await context.next_run()
    require(states(again) == {"test": "passed"}, f"/retest ended {states(again)}")
    await _require_preview(context)


async def _request_status(context: StoryContext) -> None:
    context.report("lin comments /status")
    before = len(context.gitee.comments(context.demo.full_name, context.number, by=context.demo.bot))
    await _comment(context, "/status", by=context.demo.maintainer)

    async def answered() -> bool:
        return (
            len(context.gitee.comments(context.demo.full_name, context.number, by=context.demo.bot)) > before
        )

    await context.until("the reply to /status", answered)


async def _merge(context: StoryContext) -> None:
    context.report("lin merges; the bot cleans up")
    runs = await context.runs()
    await context.gitee.merge(context.demo.full_name, context.number, by=context.demo.maintainer)
    run = await context.next_run()
    require(states(run) == {"teardown": "passed"}, f"the merge ended in {states(run)}")
    require(
        (await _preview(context)).status_code == httpx.codes.GONE,
        "the preview is still reachable after teardown",
    )
    for earlier in runs:
        await _require_tags(context, earlier, present=False)
    await context.until("the comment to report it", lambda: _reported(context, run))


async def _reported(context: StoryContext, run: dict[str, Any]) -> bool:
    """Whether the comment of a run reports success; it is updated shortly after the run ended."""
    marker = Marker("run", str(run["id"])).key.removesuffix("-->")
    comments = context.gitee.comments(context.demo.full_name, context.number, by=context.demo.bot)
    return any(marker in one.body and one.body.startswith("✅") for one in comments)


async def _comment(context: StoryContext, body: str, *, by: str) -> None:
    await context.gitee.comment(context.demo.full_name, context.number, body, by=by)


async def _preview(context: StoryContext) -> httpx.Response:
    name = context.demo.full_name.partition("/")[2]
    host = f"pr-{context.number}-{name}.{context.domain}"
    return await context.previews.get("/", headers={"Host": host})


async def _require_preview(context: StoryContext) -> None:
    response = await _preview(context)
    require(response.is_success, f"the preview returned {response.status_code}")
    context.report(f"the preview returns {len(response.content)} bytes")


async def _require_tags(context: StoryContext, run: dict[str, Any], *, present: bool) -> None:
    for step in run["steps"]:
        image = step["image"]
        if step["name"] == "build" and image:
            repository, _, tag = image["reference"].partition("/")[2].rpartition(":")
            response = await context.registry.get(f"/v2/{repository}/manifests/{tag}")
            require(response.is_success is present, f"the registry returned {response.status_code} for {tag}")


async def _require_report(context: StoryContext, run: dict[str, Any]) -> None:
    response = await context.bot.get(f"/reports/{run['id']}/")
    require(response.is_success, f"the report returned {response.status_code}")
    failed = [name for step in run["steps"] for name in step["failed_tests"]]
    require(failed, f"no failed test is named in {json.dumps(states(run))}")
    require(failed[0].rpartition("::")[2] in response.text, f"the report does not show {failed[0]}")
