"""The whole story of one pull request, played unattended: what each person does, and what must come of it."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

import httpx

from bot.core import naming
from playground.demo_repository import DemoRepository, open_first_pull, ready_made_changes
from playground.server import OfflineGitee

T = TypeVar("T")

PATIENCE = 180.0
"""Seconds that one act may take on a slow machine."""

Say = Callable[[str], None]


class StoryError(Exception):
    """Something that had to happen did not; the message says what."""


@dataclass(slots=True)
class Stage:
    """The two servers and the people, as the acts use them."""

    gitee: OfflineGitee
    demo: DemoRepository
    bot: httpx.AsyncClient
    """Client of the bot's own address."""
    previews: httpx.AsyncClient
    """Client of the preview proxy's port."""
    domain: str
    """Parent of the previews' host names, port included."""
    registry: httpx.AsyncClient
    say: Say
    jenkins: str = ""
    """Address of Jenkins, where its jobs build and test."""
    number: int = 0
    seen: set[int] = field(default_factory=set)

    async def runs(self) -> list[dict[str, Any]]:
        """Return the runs of the story's pull request as the bot's API tells them, newest first."""
        answer = await self.bot.get(f"/api/v1/pulls/{self.demo.full_name}/{self.number}")
        if answer.status_code == httpx.codes.NOT_FOUND:
            return []  # the bot has not heard of it yet
        answer.raise_for_status()
        return cast("list[dict[str, Any]]", answer.json()["runs"])

    async def next_run(self) -> dict[str, Any]:
        """Wait until the oldest run not seen yet is over, and return it."""
        run = await self.until("a further run to end", self._unseen) or {}
        self.seen.add(run["id"])
        return run

    async def _unseen(self) -> dict[str, Any] | None:
        fresh = [run for run in await self.runs() if run["id"] not in self.seen]
        return fresh[-1] if fresh and fresh[-1]["finished_at"] else None

    async def until(self, what: str, ask: Callable[[], Awaitable[T]]) -> T:
        """Ask again and again until the answer is true; raise StoryError when patience ends."""
        try:
            async with asyncio.timeout(PATIENCE):
                # The bot is another process: its state can only be asked for.
                while not (answer := await ask()):  # noqa: ASYNC110 - there is no event to wait for
                    await asyncio.sleep(0.2)
                return answer
        except TimeoutError:
            raise StoryError(f"waited {PATIENCE:.0f} s in vain for {what}") from None


def require(condition: object, what: str) -> None:
    """Raise StoryError unless the condition holds."""
    if not condition:
        raise StoryError(what)


def states(run: dict[str, Any]) -> dict[str, str]:
    """Return how each step of a run ended, by name."""
    return {step["name"]: step["state"] for step in run["steps"]}


async def play(stage: Stage) -> None:
    """Play every act. Raises StoryError at the first thing that did not happen."""
    for act in (_open, _push_and_retest, _ask_for_status, _merge):
        await act(stage)


async def _open(stage: Stage) -> None:
    stage.say("mei opens a pull request; its new feature has a bug that one test catches")
    stage.number = await open_first_pull(stage.gitee, stage.demo)
    run = await stage.next_run()
    expected = {"build": "passed", "deploy": "passed", "test": "failed"}
    require(states(run) == expected, f"the first run ended {states(run)}, not {expected}")
    if stage.jenkins:
        _require_jobs(stage, run)
    await _preview_answers(stage)
    await _tagged(stage, run, present=True)
    await _report_names_failure(stage, run)


def _require_jobs(stage: Stage, run: dict[str, Any]) -> None:
    """Require that Jenkins built and tested, and that everybody finds its pages."""
    linked = {step["name"] for step in run["steps"] if step["link"].startswith(f"{stage.jenkins}/job/")}
    require(linked == {"build", "test"}, f"Jenkins is linked to by {linked}")
    stage.say(f"Jenkins built and tested it: {stage.jenkins}/")


async def _push_and_retest(stage: Stage) -> None:
    stage.say("mei pushes the fix, then asks /retest")
    change = ready_made_changes()["fix"]
    sha = await stage.gitee.push(stage.demo.full_name, stage.number, change, by=stage.demo.developer)
    run = await stage.next_run()
    require(run["sha"] == sha, f"the push of {sha[:8]} started a run of {run['sha'][:8]}")
    require(set(states(run).values()) == {"passed"}, f"after the fix the run ended {states(run)}")
    await _comment(stage, "/retest", by=stage.demo.developer)
    again = await stage.next_run()
    require(states(again) == {"test": "passed"}, f"/retest ended {states(again)}")
    await _preview_answers(stage)


async def _ask_for_status(stage: Stage) -> None:
    stage.say("lin asks /status")
    before = len(stage.gitee.comments(stage.demo.full_name, stage.number, by=stage.demo.bot))
    await _comment(stage, "/status", by=stage.demo.maintainer)

    async def answered() -> bool:
        return len(stage.gitee.comments(stage.demo.full_name, stage.number, by=stage.demo.bot)) > before

    await stage.until("the answer to /status", answered)


async def _merge(stage: Stage) -> None:
    stage.say("lin merges; everything is taken down")
    runs = await stage.runs()
    await stage.gitee.merge(stage.demo.full_name, stage.number, by=stage.demo.maintainer)
    run = await stage.next_run()
    require(states(run) == {"teardown": "passed"}, f"the merge ended in {states(run)}")
    require(
        (await _preview(stage)).status_code == httpx.codes.GONE, "the preview still answers after teardown"
    )
    for earlier in runs:
        await _tagged(stage, earlier, present=False)
    await stage.until("the comment to say so", lambda: _told(stage, run))


async def _told(stage: Stage, run: dict[str, Any]) -> bool:
    """Say whether the comment of a run that passed tells so: words come a moment after the deed."""
    marker = naming.comment_marker("run", str(run["id"]))
    comments = stage.gitee.comments(stage.demo.full_name, stage.number, by=stage.demo.bot)
    return any(marker in one.body and one.body.startswith("✅") for one in comments)


async def _comment(stage: Stage, body: str, *, by: str) -> None:
    await stage.gitee.comment(stage.demo.full_name, stage.number, body, by=by)


async def _preview(stage: Stage) -> httpx.Response:
    name = stage.demo.full_name.partition("/")[2]
    host = f"pr-{stage.number}-{name}.{stage.domain}"
    return await stage.previews.get("/", headers={"Host": host})


async def _preview_answers(stage: Stage) -> None:
    answer = await _preview(stage)
    require(answer.is_success, f"the preview answered {answer.status_code}")
    stage.say(f"the preview answers with {len(answer.content)} bytes")


async def _tagged(stage: Stage, run: dict[str, Any], *, present: bool) -> None:
    for step in run["steps"]:
        image = step["image"]
        if step["name"] == "build" and image:
            repository, _, tag = image["reference"].partition("/")[2].rpartition(":")
            answer = await stage.registry.get(f"/v2/{repository}/manifests/{tag}")
            require(answer.is_success is present, f"the registry answered {answer.status_code} for {tag}")


async def _report_names_failure(stage: Stage, run: dict[str, Any]) -> None:
    answer = await stage.bot.get(f"/reports/{run['id']}/")
    require(answer.is_success, f"the report answered {answer.status_code}")
    failed = [name for step in run["steps"] for name in step["failed_tests"]]
    require(failed, f"no failed test is named in {json.dumps(states(run))}")
    require(failed[0].rpartition("::")[2] in answer.text, f"the report does not show {failed[0]}")
