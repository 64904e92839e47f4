"""Retention of runs and files, and the metrics of runs."""

from datetime import timedelta

from tests.dialogue.offline import OfflineTester, visitor


async def test_expired_logs_and_deliveries_are_removed_and_the_pages_say_so(tester: OfflineTester) -> None:
    await tester.opened()
    [run] = [found.id for found in await tester.bot.store.runs.runs()]
    await tester.bot.deps.adapters.files.store.put(run, {"build.log": b"words", "report.html": b"<h1>"})
    await tester.close()
    await tester.read_all()
    tester.clock.skip(timedelta(days=40))

    await tester.restart()

    async with visitor(tester.bot.listeners.web.url) as client:

        async def deliveries_removed() -> bool:
            return 'removed_total{kind="deliveries"}' in (await client.get("/metrics")).text

        await tester.until(deliveries_removed)  # runs are removed last
        measured = (await client.get("/metrics")).text
        page = await client.get(f"/runs/{run}", headers={"Accept-Language": "en"})
    assert 'chatops_retention_removed_total{kind="logs"} 1.0' in measured
    assert 'chatops_runs{state="passed"} 2.0' in measured
    assert "\nchatops_replicas 1.0\n" in measured
    assert "This log was removed" in page.text
    assert await tester.bot.deps.adapters.files.store.names(run) == ("report.html",)


async def test_runs_and_steps_are_counted(tester: OfflineTester) -> None:
    tester.gitee.faults.add("POST", "/pulls/1/comments$", times=2, status=500)
    await tester.opened()

    async with visitor(tester.bot.listeners.web.url) as client:
        measured = (await client.get("/metrics")).text

    assert 'chatops_runs_ended_total{outcome="passed"} 1.0' in measured
    for step in ("build", "deploy", "test"):
        assert f'chatops_step_seconds_count{{outcome="passed",step="{step}"}} 1.0' in measured
    assert "chatops_comment_retries_total 2.0" in measured
    assert "chatops_leases_lost_total 0.0" in measured


async def test_a_stopped_run_is_counted_as_stopped(tester: OfflineTester) -> None:
    gate = tester.world.script.hold("build")
    await tester.open()
    await gate.reached()
    await tester.comment("/cancel")
    await tester.read_all()

    async with visitor(tester.bot.listeners.web.url) as client:
        measured = (await client.get("/metrics")).text

    assert 'chatops_runs_ended_total{outcome="cancelled"} 1.0' in measured
    assert 'chatops_step_seconds_count{outcome="cancelled",step="build"} 1.0' in measured
