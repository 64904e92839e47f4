"""Previews that stop working after they were ready: the comment of their run says so, once per change."""

from dataclasses import replace
from datetime import timedelta
from typing import Any, cast

import pytest

from bot.core.environments import health
from bot.engine.reconciling.disk_writers import DiskWriters
from bot.model.audit import AuditFilter
from bot.model.disk import Written
from bot.model.environment import EnvironmentState
from bot.model.errors import RetryLater
from bot.model.health import Part
from bot.model.pipeline import RunnerName
from bot.model.reason import Reason
from bot.model.text import Language
from bot.ports import Disks
from tests.dialogue.offline import OfflineTester, visitor
from tests.fakes.adapters import WELL

LOOK = timedelta(seconds=30)
MINUTES = timedelta(minutes=1)
EXITED = replace(
    WELL, up=False, restarts=0, reason=Reason.CONTAINER_STOPPED, facts={"name": "app", "code": "137"}
)
AWAY = RetryLater(Reason.ENGINE_UNAVAILABLE, {"message": "no engine"})


async def look(tester: OfflineTester, part: Part, span: timedelta = timedelta()) -> None:
    """Look at the preview, whose only part is this one, for a time as the bot does."""
    [task] = [task for task in tester.bot.reconciling.tasks if task.name == "preview health"]
    tester.world.parts = dict.fromkeys(tester.world.deployed, (part,))
    for _ in range(span // LOOK + 1):
        tester.clock.skip(LOOK)
        await task.do()
    await tester.idle()


@pytest.fixture
async def deployed(tester: OfflineTester) -> OfflineTester:
    """Provide a tester with a preview that is ready."""
    assert "Preview ready" in await tester.opened()
    await look(tester, WELL)
    return tester


async def shown(tester: OfflineTester, path: str) -> Any:
    async with visitor(tester.bot.listeners.web.url) as client:
        return await client.get(path, headers={"Accept-Language": "en"})


async def test_the_first_line_says_why_a_service_has_died(deployed: OfflineTester) -> None:
    deployed.world.last_words = "serving\nConnectionError: no <database>\n"
    await look(deployed, EXITED, 5 * MINUTES)

    said = await deployed.living(1)
    assert said.startswith("⚠️ **The preview has stopped working** · `ConnectionError: no <database>` · ")
    page = (await shown(deployed, "/runs/1")).text
    assert "<code>ConnectionError: no &lt;database&gt;</code>" in page


async def test_everything_says_that_a_service_has_died(deployed: OfflineTester) -> None:
    await look(deployed, EXITED, 5 * MINUTES)

    said = await deployed.living(1)
    assert said.startswith("⚠️ **The preview has stopped working**")
    assert "Container `app` has stopped running; its exit code was 137." in said
    assert "the last words of app" in said
    assert "`/deploy` (deploy) · `/teardown`" in said
    status = await deployed.says("/status")
    assert "| failing |" in status
    assert "`/deploy`" in status
    for path in ("/runs/1", "/environments", "/prs/team/shop/1"):
        assert "has stopped running" in (await shown(deployed, path)).text
    [found] = (await shown(deployed, "/api/v1/environments")).json()["environments"]
    assert (found["state"], found["outage"]["reason"]) == ("failing", "container_stopped")
    metrics = (await shown(deployed, "/metrics")).text
    assert 'chatops_environments{state="failing"} 1.0' in metrics

    assert "Preview ready" in await deployed.says("/deploy")
    assert (await deployed.preview()).state is EnvironmentState.READY


async def test_each_change_edits_the_comment_once(deployed: OfflineTester) -> None:
    def edits() -> int:
        return len(deployed.texts("chatops:run=1 "))

    before = edits()
    await look(deployed, WELL, 20 * MINUTES)
    assert edits() == before
    await look(deployed, EXITED, 20 * MINUTES)
    assert edits() == before + 1
    for _ in range(5):
        await look(deployed, WELL, 3 * MINUTES)
        await look(deployed, EXITED, 3 * MINUTES)
    assert edits() == before + 1

    await look(deployed, WELL, health.STEADY + LOOK)

    assert edits() == before + 2
    assert (await deployed.living(1)).startswith("✅ **Preview ready")
    assert (await deployed.preview()).outage is None


async def test_a_restarted_bot_knows_what_it_has_said(deployed: OfflineTester) -> None:
    await look(deployed, EXITED, 5 * MINUTES)
    before = await deployed.preview()

    await deployed.restart()
    await look(deployed, EXITED, 5 * MINUTES)
    assert await deployed.preview() == before

    await look(deployed, WELL, health.STEADY + LOOK)
    assert "Preview ready" in await deployed.living(1)


async def test_nothing_is_concluded_while_a_run_may_change_it(deployed: OfflineTester) -> None:
    before = await deployed.preview()
    gate = deployed.world.script.hold("deploy")
    await deployed.comment("/deploy")
    await gate.reached()
    deployed.world.deployed.clear()
    [task] = [task for task in deployed.bot.reconciling.tasks if task.name == "preview health"]
    await task.do()
    assert await deployed.preview() == before

    gate.open()

    assert "Preview ready" in await deployed.living(2)


async def test_what_is_gone_stays_gone_until_the_next_deployment(deployed: OfflineTester) -> None:
    deployed.world.deployed.clear()
    await look(deployed, WELL)

    assert (await deployed.living(1)).startswith("⚠️ **The preview is gone**")
    assert (await deployed.preview()).state is EnvironmentState.FAILED
    await look(deployed, WELL, 20 * MINUTES)
    assert "The preview is gone" in await deployed.living(1)


async def test_an_engine_that_is_away_says_nothing_about_previews(deployed: OfflineTester) -> None:
    deployed.world.script.fail("parts", AWAY)
    await look(deployed, WELL)
    assert (await deployed.preview()).state is EnvironmentState.READY

    deployed.world.script.fail("output", AWAY)
    await look(deployed, EXITED, 5 * MINUTES)
    assert "has stopped running" in await deployed.living(1), "without the last words"


class Filled:
    """A disk to which a container of this run wrote too much."""

    def __init__(self, tester: OfflineTester, run: int = 1) -> None:
        self._tester = tester
        self._run = run
        self.killed: list[str] = []

    async def written(self) -> list[Written]:
        return [Written("1", "app", key, 5_000_000, run=self._run) for key in self._tester.world.deployed]

    async def kill(self, container: str) -> bool:
        self.killed.append(container)
        return True


def disk_writers(tester: OfflineTester, filled: Filled) -> DiskWriters:
    bot = tester.bot
    return DiskWriters(
        bot.store,
        bot.comments.publisher,
        bot.deps.adapters.steps.platforms,
        {RunnerName.DOCKER: cast("Disks", filled)},
        bot.deps.disk,
        tester.clock,
        Language.EN,
        most=1_000_000,
    )


async def test_what_a_run_has_left_beside_a_preview_is_only_stopped(deployed: OfflineTester) -> None:
    filled = Filled(deployed, run=2)
    before = await deployed.preview()

    await disk_writers(deployed, filled).reconcile()

    assert filled.killed == ["1"]
    assert await deployed.preview() == before
    assert deployed.world.deployed


async def test_a_preview_that_fills_the_disk_is_not_called_ready(deployed: OfflineTester) -> None:
    bot = deployed.bot
    await disk_writers(deployed, Filled(deployed)).reconcile()
    await bot.comments.catch_up()
    await deployed.idle()

    assert not deployed.world.deployed
    assert "The preview was removed: `app` wrote 5 MB to its disk" in await deployed.read()
    said = await deployed.living(1)
    assert said.startswith("⚠️ **The preview is gone**")
    assert "`app` wrote 5 MB to its disk, more than its limit of 1 MB" in said
    assert "`/deploy`" in said
    *_, recorded = [one async for one in bot.store.audit.records(AuditFilter())]
    assert (recorded.action, recorded.cause, recorded.reason) == ("fail", "disk", Reason.DISK_EXCEEDED)


async def test_a_folded_comment_says_it_in_its_line(deployed: OfflineTester) -> None:
    await deployed.says("/test")
    await look(deployed, EXITED, 5 * MINUTES)

    assert "<summary>⚠️ #1 · The preview has stopped working" in await deployed.living(1)
