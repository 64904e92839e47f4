"""What a bot keeps of its runs, and for how long."""

from datetime import timedelta

import httpx

from tests.dialogue.offline import OfflineTester


async def test_old_logs_and_deliveries_go_and_the_pages_say_so(tester: OfflineTester) -> None:
    await tester.opened()
    [run] = [found.id for found in await tester.bot.store.runs.runs()]
    await tester.bot.adapters.files.shelf.put(run, {"build.log": b"words", "report.html": b"<h1>"})
    await tester.close()
    await tester.read_all()
    tester.clock.skip(timedelta(days=40))

    await tester.restart()

    async with httpx.AsyncClient(base_url=tester.bot.local.web) as client:

        async def deliveries_removed() -> bool:
            return 'removed_total{kind="deliveries"}' in (await client.get("/metrics")).text

        await tester.until(deliveries_removed)  # they go last
        measured = (await client.get("/metrics")).text
        page = await client.get(f"/runs/{run}", headers={"Accept-Language": "en"})
    assert 'chatops_retention_removed_total{kind="logs"} 1.0' in measured
    assert 'chatops_runs{state="passed"} 2.0' in measured
    assert "\nchatops_replicas 1.0\n" in measured
    assert "This log was removed" in page.text
    assert await tester.bot.adapters.files.shelf.names(run) == ("report.html",)
