"""Stopping builds, and reporting those that cannot be stopped."""

import asyncio
from dataclasses import replace

import pytest

from playground.jenkins.server import OfflineJenkins
from playground.jenkins.state import Stop
from playground.jenkins.stories import gated
from tests.jenkins.bench import ORDER, Bench

JOB = "team/build-image"


async def cancelled(bench: Bench, task: "asyncio.Task[object]") -> None:
    """Cancel the request and stop its build, as `/cancel` does."""
    bench.stopping = True
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_waiting_item_is_removed_from_the_queue(bench: Bench, jenkins: OfflineJenkins) -> None:
    jenkins.add_job(JOB)
    jenkins.quiet_down()
    task = bench.start()
    await bench.until(lambda: bench.waited_for)
    await cancelled(bench, task)
    jenkins.quiet_down(on=False)
    jenkins.scheduler.advance()
    assert (jenkins.queue, jenkins.builds) == ([], [])
    assert "removed from Jenkins' queue" in bench.log.notes


@pytest.mark.parametrize(
    ("ignored", "stops"),
    [
        (frozenset(), ["stop"]),
        (frozenset({"stop"}), ["stop", "term"]),
        (frozenset({"stop", "term"}), ["stop", "term", "kill"]),
    ],
)
async def test_a_running_build_is_stopped_with_increasing_force(
    bench: Bench, jenkins: OfflineJenkins, ignored: frozenset[Stop], stops: list[str]
) -> None:
    job = jenkins.add_job(JOB, gated(asyncio.Event()), ignores=ignored)
    task = bench.start()
    await bench.until(lambda: "gate" in bench.log.text)
    began = bench.time.now()
    await cancelled(bench, task)
    assert (job.builds[1].stops, job.builds[1].building) == (stops, False)
    assert (bench.time.now() - began).total_seconds() <= 10 * (len(stops) - 1) + 1


async def test_stopping_gives_up_after_a_time_limit(bench: Bench, jenkins: OfflineJenkins) -> None:
    job = jenkins.add_job(JOB, gated(asyncio.Event()), ignores=frozenset({"stop"}), kind="freestyle")
    task = bench.start()
    await bench.until(lambda: "gate" in bench.log.text)
    await cancelled(bench, task)
    assert job.builds[1].stops == ["stop"]
    assert "could not be stopped in Jenkins: it ignores stop, term and kill" in bench.log.notes


async def test_an_item_that_became_a_build_is_stopped_as_a_build(
    bench: Bench, jenkins: OfflineJenkins
) -> None:
    job = jenkins.add_job(JOB, gated(asyncio.Event()))
    jenkins.quiet_down()
    task = bench.start()
    await bench.until(lambda: bench.waited_for)
    # The bot has not polled since the item left the queue.
    jenkins.quiet_down(on=False)
    jenkins.scheduler.advance()
    await cancelled(bench, task)
    assert (job.builds[1].stops, job.builds[1].building) == (["stop"], False)


async def test_a_start_whose_response_is_pending_is_stopped(bench: Bench, jenkins: OfflineJenkins) -> None:
    job = jenkins.add_job(JOB, gated(asyncio.Event()))
    lost = jenkins.faults.add("POST", "/buildWithParameters", after=True, hang=True)
    task = bench.start()
    await bench.until(lambda: lost.hits and jenkins.triggers())
    await cancelled(bench, task)
    assert (job.builds[1].stops, job.builds[1].building) == (["stop"], False)


async def test_stopping_retries_while_jenkins_is_unavailable(bench: Bench, jenkins: OfflineJenkins) -> None:
    job = jenkins.add_job(JOB, gated(asyncio.Event()))
    task = bench.start()
    await bench.until(lambda: "gate" in bench.log.text)
    jenkins.restart(3)
    await cancelled(bench, task)
    assert not job.builds[1].building


async def test_stopping_gives_up_if_jenkins_stays_unavailable(bench: Bench, jenkins: OfflineJenkins) -> None:
    job = jenkins.add_job(JOB, gated(asyncio.Event()))
    task = bench.start()
    await bench.until(lambda: "gate" in bench.log.text)
    jenkins.restart(10_000)
    await cancelled(bench, task)
    assert job.builds[1].building
    assert any(note.startswith("could not be stopped in Jenkins: ") for note in bench.log.notes)


async def test_shutting_down_stops_no_build(bench: Bench, jenkins: OfflineJenkins) -> None:
    job = jenkins.add_job(JOB, gated(asyncio.Event()))
    task = bench.start()
    await bench.until(lambda: "gate" in bench.log.text)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (job.builds[1].stops, job.builds[1].building) == ([], True)
    await bench.jobs().stop(ORDER, bench.log)
    assert (job.builds[1].stops, job.builds[1].building) == (["stop"], False)


async def test_stopping_an_unstarted_build_does_nothing(bench: Bench, jenkins: OfflineJenkins) -> None:
    jenkins.add_job(JOB)
    await bench.jobs().stop(replace(ORDER, key="9.0"), bench.log)
    assert bench.log.notes == []
    assert jenkins.triggers() == 0
