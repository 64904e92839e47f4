"""Limits on simultaneous runs, and the queue."""

import asyncio
from dataclasses import replace

from bot.engine.running.active_run import ActiveRun
from bot.model.forge import RepoPath
from bot.model.run import RunState
from bot.settings.model import LimitsSettings
from tests.dialogue.offline import OfflineTester
from tests.fakes.stored import hold_run


async def test_one_run_at_a_time_for_a_pull_request(tester: OfflineTester) -> None:
    await tester.restart(limits=LimitsSettings(runs=5, runs_per_repository=5))
    gate = tester.world.script.hold("build")
    await tester.open()
    await gate.reached()
    await tester.comment("/test")
    await tester.sees("Queued, next in the queue")
    assert [run.state for run in await tester.bot.store.runs.unfinished()] == [
        RunState.RUNNING,
        RunState.QUEUED,
    ]
    gate.open()
    first, second = await tester.living(1), await tester.living(2)
    assert "followed by #2" in first
    assert "2 tests passed" in second


async def test_positions_of_waiting_runs_are_updated(tester: OfflineTester) -> None:
    gates = [tester.world.script.hold("push") for _ in range(2)]
    await tester.open()
    await gates[0].reached()
    await tester.open()
    await tester.shows(2, "Queued, next in the queue")
    await tester.open()
    await tester.shows(3, "Queued, 1 ahead")
    gates[0].open()
    await gates[1].reached()
    await tester.shows(3, "Queued, next in the queue")
    gates[1].open()
    for run in (1, 2, 3):
        assert "2 tests passed" in await tester.living(run)


async def test_each_repository_has_a_limit(tester: OfflineTester) -> None:
    await tester.restart(limits=LimitsSettings(runs=3, runs_per_repository=2))
    gates = [tester.world.script.hold("build") for _ in range(2)]
    for gate in gates:
        await tester.open()
        await gate.reached()
    await tester.open()
    await tester.sees("Queued, next in the queue")
    for gate in gates:
        gate.open()
    assert len(await tester.read_all()) == 2
    assert [run.state for run in await tester.runs()] == [RunState.PASSED] * 3


async def test_closing_stops_a_waiting_run(tester: OfflineTester) -> None:
    gate = tester.world.script.hold("build")
    await tester.open()
    await gate.reached()
    await tester.open()
    await tester.sees("Queued, next in the queue")
    await tester.close()
    await tester.sees("Stopped")
    gate.open()
    assert "2 tests passed" in await tester.living(1)
    assert "Environment torn down" in await tester.living(3)
    states = [run.state for run in await tester.runs()]
    assert states == [RunState.PASSED, RunState.CANCELLED, RunState.PASSED]


async def test_two_repositories_of_one_name_deployed_at_once_get_different_urls(
    tester: OfflineTester,
) -> None:
    await tester.opened()
    (run,) = await tester.runs()
    twins = [replace(run, repo=RepoPath(owner, "lamp")) for owner in ("guild", "team")]
    deploying = run.plan.names.index("deploy")
    bot, lease = tester.bot, tester.bot.membership.lease
    await hold_run(bot.store, run.id, lease)
    active = [ActiveRun(twin, lease, bot.store.runs, bot.comments.update) for twin in twins]
    await asyncio.gather(*(bot.worker.executor.recorder.before(one, deploying) for one in active))
    found = {one.key.repo: one.host for one in await tester.bot.store.pulls.environments()}
    hosts = {found[twin.repo] for twin in twins}
    assert len(hosts) == 2
    assert "pr-1-lamp" in hosts
