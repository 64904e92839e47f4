"""Clock jumps: deliveries are processed, leases are kept, and expiry follows the clock."""

from datetime import timedelta

from bot.model.run import RunState
from tests.dialogue.offline import OfflineTester

IDLE = "version: 1\non: {open: [], update: [], close: []}\n"
BACK = timedelta(hours=-5)
FORWARD = timedelta(hours=5)


async def test_a_pending_delivery_is_processed_after_the_clock_is_set_back(tester: OfflineTester) -> None:
    await tester.configure(IDLE)
    await tester.open()
    tester.gitee.faults.add("GET", "/pulls/1$", times=100_000, status=503)

    async def postponed() -> bool:
        waiting = await tester.bot.store.inbox.due(tester.clock.now() + FORWARD)
        return any(attempt for _, attempt in waiting)

    await tester.comment("/build")
    await tester.until(postponed)
    tester.clock.skip(BACK)
    tester.gitee.faults.clear()
    before = tester.clock.ahead
    assert "Image built" in await tester.read()
    assert tester.clock.ahead - before < timedelta(minutes=30), "nobody waits for the old time"


async def test_a_lease_does_not_depend_on_the_clock(tester: OfflineTester) -> None:
    lease = tester.bot.membership.lease
    gate = tester.world.script.hold("build")
    await tester.open()
    await gate.reached()
    for jump in (BACK, timedelta(hours=6)):
        tester.clock.skip(jump)
        await tester.bot.membership.renew()
    gate.open()
    assert "2 tests passed" in await tester.read()
    assert tester.bot.membership.lease is lease
    assert [run.state for run in await tester.runs()] == [RunState.PASSED]


async def test_a_stale_webhook_is_refused_with_the_reason(tester: OfflineTester) -> None:
    await tester.opened()
    tester.clock.skip(BACK)
    await tester.comment("/build")
    await tester.gitee.delivered()
    assert tester.gitee.deliveries[-1].status == 401
    tester.clock.skip(-BACK)
    tester.gitee.redeliver(-1)
    assert "Image built" in await tester.read()


async def test_environments_expire_by_the_clock(
    tester: OfflineTester,
) -> None:
    await tester.opened()
    tester.clock.skip(BACK)
    await tester.bot.reconciling.expiry.reconcile()
    assert len(tester.world.deployed) == 1
    tester.clock.skip(FORWARD + timedelta(days=4))
    await tester.bot.reconciling.expiry.reconcile()
    assert "environment expired" in await tester.read()
    assert tester.world.deployed == {}
