"""A Gitee that does not answer or refuses the token: deliveries wait, and comments follow afterwards."""

from datetime import timedelta

import pytest

from bot.model.run import RunState
from tests.dialogue.offline import OfflineTester

IDLE = "version: 1\non: {open: [], update: [], close: []}\n"
HOUR = timedelta(hours=1)
EXPIRED = {"message": "401 Unauthorized: Access token is expired"}


@pytest.mark.parametrize(
    ("status", "body"), [(503, None), (401, EXPIRED)], ids=["away", "token refused and renewed"]
)
async def test_after_an_hour_without_gitee_all_deliveries_and_comments_are_completed(
    tester: OfflineTester, status: int, body: object
) -> None:
    await tester.configure(IDLE)
    await tester.open()
    gate = tester.world.script.hold("build")
    await tester.comment("/build")
    await gate.reached()
    await tester.shows(1, "Building")
    tester.gitee.faults.add("*", "/api/v5/", times=100_000, status=status, body=body)
    tester.clock.after(HOUR, tester.gitee.faults.clear)
    later = tester.clock.hold_waits()
    await tester.comment("/test")
    gate.open()

    async def passed() -> bool:
        return [run.state for run in await tester.bot.store.runs.runs()] == [RunState.PASSED]

    await tester.until(passed)
    assert "Image built" not in tester.comments()[0].body
    later.open()
    assert "Image built" in await tester.living(1)
    assert "2 tests passed" in await tester.living(2)
    assert tester.clock.ahead >= HOUR
    assert [run.state for run in await tester.runs()] == [RunState.PASSED] * 2
