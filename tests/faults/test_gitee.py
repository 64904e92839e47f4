"""A Gitee that is away or refuses the token: deliveries wait, comments are brought up afterwards."""

from datetime import timedelta

import pytest

from bot.model.run import RunState
from tests.dialogue.offline import OfflineTester

IDLE = "version: 1\non: {open: [], update: [], close: []}\n"
EXPIRED = {"message": "401 Unauthorized: Access token is expired"}


@pytest.mark.parametrize(
    ("status", "body"), [(503, None), (401, EXPIRED)], ids=["away", "token refused and mended"]
)
async def test_after_an_hour_without_gitee_everything_is_made_up_for(
    tester: OfflineTester, status: int, body: object
) -> None:
    await tester.configure(IDLE)
    await tester.open()
    gate = tester.world.script.hold("build")
    await tester.comment("/build")
    await gate.reached()
    trouble = tester.gitee.faults.add("*", "/api/v5/", times=100_000, status=status, body=body)
    await tester.comment("/test")
    gate.open()

    async def an_hour_later() -> bool:
        if not await tester.bot.store.inbox.due(tester.clock.now()):
            tester.clock.skip(timedelta(seconds=20))
            tester.bot.dispatcher.wake()
        return trouble.hits > 20 and tester.clock.ahead > timedelta(hours=1)

    await tester.until(an_hour_later)
    assert [run.state for run in await tester.bot.store.runs.runs()] == [RunState.PASSED]
    assert "Image built" not in tester.comments()[0].body
    trouble.times = 0
    built, tested = await tester.read_all()
    assert "Image built" in built
    assert "2 tests passed" in tested
    assert [run.state for run in await tester.runs()] == [RunState.PASSED] * 2
