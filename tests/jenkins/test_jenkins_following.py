"""Following a build from the queue to its end, also across restarts of Jenkins and of the bot."""

import asyncio
from typing import Any

import httpx
import pytest

from bot.model.errors import GiveUp, TellUser
from bot.model.reason import Reason
from bot.runners.jenkins.build_follower import JenkinsTimeouts
from playground.jenkins.server import OfflineJenkins
from playground.jenkins.stories import BuildHandle, fails, gated, succeeds
from tests.jenkins.bench import ORDER, Bench, Timeline

JOB = "team/build-image"


async def test_a_build_is_followed_to_its_end(bench: Bench, jenkins: OfflineJenkins) -> None:
    job = jenkins.add_job(JOB, succeeds)
    ending = await bench.run()
    assert (ending.result, ending.number) == ("SUCCESS", 1)
    assert bench.reports[-1]["link"] == "https://ci.example.com/job/team/job/build-image/1/"
    assert "Hello from Jenkins" in bench.log.text
    assert bench.log.text.count("Finished: SUCCESS") == 1
    assert job.builds[1].parameters["CHATOPS_SHA"] == "1a2b3c"
    assert job.builds[1].parameters["CHATOPS_RUN"] == ORDER.key
    assert jenkins.triggers() == 1


async def test_a_failed_build_is_followed_to_its_end(bench: Bench, jenkins: OfflineJenkins) -> None:
    jenkins.add_job(JOB, fails("cc: no such file"))
    assert (await bench.run()).result == "FAILURE"
    assert "cc: no such file" in bench.log.text


async def test_the_reason_for_waiting_is_reported(bench: Bench, jenkins: OfflineJenkins) -> None:
    gate = asyncio.Event()
    jenkins.scheduler.executors = 1
    jenkins.add_job("team/other", gated(gate))
    jenkins.add_job(JOB, succeeds, quiet=5.0)
    other = bench.start(name="team/other", key="6.0")
    await bench.until(lambda: jenkins.scheduler.running)
    waiting = bench.start()
    await bench.until(lambda: "Waiting for next available executor" in bench.waited_for)
    gate.set()
    await asyncio.gather(waiting, other)
    assert bench.waited_for[0].startswith("In the quiet period. Expires in ")
    # A countdown of seconds is not reported second by second.
    assert sum("quiet period" in reason for reason in bench.waited_for) == 1


async def test_one_build_at_a_time_is_a_reason_to_wait(bench: Bench, jenkins: OfflineJenkins) -> None:
    gate = asyncio.Event()
    jenkins.add_job(JOB, gated(gate), concurrent=False)
    first = bench.start(key="6.0")
    await bench.until(lambda: jenkins.scheduler.running)
    second = bench.start()
    await bench.until(lambda: any("Build #1 is already in progress" in reason for reason in bench.waited_for))
    gate.set()
    assert [ending.number for ending in await asyncio.gather(first, second)] == [1, 2]


async def test_an_item_that_waits_too_long_is_cancelled(bench: Bench, jenkins: OfflineJenkins) -> None:
    jenkins.add_job(JOB)
    jenkins.quiet_down()
    bench.timeouts = JenkinsTimeouts(queue=100)
    with pytest.raises(TellUser) as caught:
        await bench.run()
    assert caught.value.reason is Reason.JENKINS_QUEUED_TOO_LONG
    assert caught.value.facts["why"] == "Jenkins is about to shut down"
    assert jenkins.queue == []


async def test_a_build_that_takes_too_long_is_stopped(bench: Bench, jenkins: OfflineJenkins) -> None:
    job = jenkins.add_job(JOB, gated(asyncio.Event()))
    with pytest.raises(TellUser) as caught:
        await bench.run(timeout=60)
    assert caught.value.reason is Reason.TIMED_OUT
    assert caught.value.facts == {"step": "build", "seconds": "60"}
    assert "waiting at the gate" in caught.value.log
    assert (job.builds[1].building, job.builds[1].stops) == (False, ["stop"])


@pytest.mark.parametrize("skew", [-7200.0, 7200.0])
async def test_timeouts_do_not_depend_on_jenkins_clock(
    bench: Bench, jenkins: OfflineJenkins, time: Timeline, skew: float
) -> None:
    gate = asyncio.Event()
    job = jenkins.add_job(JOB, gated(gate))
    jenkins.skew = skew
    bench.timeouts = JenkinsTimeouts(poll=20)
    time.after(500, gate.set)
    assert (await bench.run(timeout=600)).result == "SUCCESS"
    job.story = gated(asyncio.Event())
    with pytest.raises(TellUser):
        await bench.run(key="8.0", timeout=600)


async def test_removing_the_queue_item_aborts_the_step(
    bench: Bench, jenkins: OfflineJenkins, time: Timeline
) -> None:
    jenkins.add_job(JOB)
    jenkins.quiet_down()
    time.after(20, lambda: jenkins.scheduler.cancel(jenkins.queue[0]))
    with pytest.raises(TellUser) as caught:
        await bench.run()
    assert caught.value.reason is Reason.JENKINS_ABORTED


async def test_aborting_the_build_aborts_the_step(
    bench: Bench, jenkins: OfflineJenkins, time: Timeline
) -> None:
    jenkins.add_job(JOB, gated(asyncio.Event()))
    time.after(20, lambda: jenkins.scheduler.stop(jenkins.builds[0], "stop"))
    assert (await bench.run()).result == "ABORTED"


async def test_the_bot_waits_for_a_restart_of_jenkins(
    bench: Bench, jenkins: OfflineJenkins, time: Timeline
) -> None:
    gate = asyncio.Event()
    jenkins.add_job(JOB, gated(gate))
    time.after(10, lambda: jenkins.restart(300))
    time.after(400, gate.set)
    assert (await bench.run()).result == "SUCCESS"
    assert jenkins.triggers() == 1
    assert bench.log.text.count("waiting at the gate") == 1
    assert any("Please wait while Jenkins is restarting" in note for note in bench.log.notes)
    assert any("503" in reason for reason in bench.waited_for)
    assert bench.reports[-1]["waiting"] == ""


async def test_a_restart_while_it_waits_in_the_queue_changes_nothing(
    bench: Bench, jenkins: OfflineJenkins, time: Timeline
) -> None:
    jenkins.add_job(JOB)
    jenkins.quiet_down()
    time.after(30, lambda: jenkins.restart(120))
    assert (await bench.run()).result == "SUCCESS"
    assert jenkins.triggers() == 1


async def test_an_item_that_became_a_build_while_jenkins_was_away_is_found_by_its_key(
    bench: Bench, jenkins: OfflineJenkins, time: Timeline
) -> None:
    jenkins.add_job(JOB)
    jenkins.quiet_down()

    def begin_and_restart() -> None:
        jenkins.quiet_down(on=False)
        jenkins.scheduler.advance()
        jenkins.restart(60)

    time.after(30, begin_and_restart)
    assert (await bench.run()).number == 1
    assert jenkins.triggers() == 1


async def test_an_outage_of_jenkins_has_a_time_limit(
    bench: Bench, jenkins: OfflineJenkins, time: Timeline
) -> None:
    jenkins.add_job(JOB)
    jenkins.restart(10_000)
    bench.timeouts = JenkinsTimeouts(poll=30)
    began = time.now()
    with pytest.raises(GiveUp) as gone:
        await bench.run()
    assert gone.value.reason is Reason.JENKINS_UNAVAILABLE
    assert "503" in gone.value.facts["message"]
    assert 900 <= (time.now() - began).total_seconds() <= 990
    assert jenkins.triggers() == 0


@pytest.mark.parametrize("keeps_handle", [True, False])
async def test_a_restarted_bot_follows_the_same_build(
    bench: Bench, jenkins: OfflineJenkins, *, keeps_handle: bool
) -> None:
    gate = asyncio.Event()
    jenkins.add_job(JOB, gated(gate))
    task = bench.start()
    await bench.until(lambda: "gate" in bench.log.text)
    task.cancel()
    await asyncio.wait({task})
    assert jenkins.builds[0].building
    gate.set()
    assert (await bench.run(handle=bench.handle if keeps_handle else "")).number == 1
    assert jenkins.triggers() == 1


async def test_a_restarted_bot_finds_its_queue_item(
    bench: Bench, jenkins: OfflineJenkins, time: Timeline
) -> None:
    jenkins.add_job(JOB)
    jenkins.quiet_down()
    task = bench.start()
    await bench.until(lambda: bench.waited_for)
    task.cancel()
    await asyncio.wait({task})
    assert len(jenkins.queue) == 1
    time.after(30, lambda: jenkins.quiet_down(on=False))
    assert (await bench.run()).number == 1
    assert jenkins.triggers() == 1


async def test_a_start_that_did_not_arrive_is_repeated(
    bench: Bench, jenkins: OfflineJenkins, monkeypatch: pytest.MonkeyPatch
) -> None:
    jenkins.add_job(JOB)
    jobs = bench.jobs()
    post, failures = jobs.client._http.post, [httpx.ConnectError("connection refused")]

    async def unreachable(*given: Any, **more: Any) -> httpx.Response:
        if failures:
            raise failures.pop()
        return await post(*given, **more)

    monkeypatch.setattr(jobs.client._http, "post", unreachable)
    assert (await bench.run(jobs=jobs)).number == 1
    assert any("connection refused" in note for note in bench.log.notes)
    assert jenkins.triggers() == 1


async def test_a_log_continues_at_the_stored_offset(bench: Bench, jenkins: OfflineJenkins) -> None:
    gate = asyncio.Event()
    jenkins.add_job(JOB, gated(gate))
    task = bench.start()
    await bench.until(lambda: len(bench.handle.split()) > 4 and not bench.handle.endswith(" 0"))
    task.cancel()
    await asyncio.wait({task})
    gate.set()
    await bench.run(handle=bench.handle)
    assert bench.log.text.count("waiting at the gate") == 1
    assert bench.log.text.count("Hello from Jenkins") == 1


@pytest.mark.parametrize("at", ["queue", "build"])
async def test_a_build_lost_by_jenkins_is_not_started_again(
    bench: Bench, jenkins: OfflineJenkins, at: str
) -> None:
    jenkins.add_job(JOB, gated(asyncio.Event()))
    if at == "queue":
        jenkins.quiet_down()
    task = bench.start()
    await bench.until(lambda: bench.handle and (at == "queue" or "build" in bench.handle))
    jenkins.restart(30, keeps_builds=False, keeps_queue=False)
    with pytest.raises(GiveUp) as lost:
        await task
    assert lost.value.reason is Reason.JENKINS_LOST
    with pytest.raises(GiveUp):
        await bench.run(handle=bench.handle)
    assert jenkins.triggers() == 1


async def test_a_build_that_a_crash_left_without_a_result_is_lost(
    bench: Bench, jenkins: OfflineJenkins, time: Timeline
) -> None:
    job = jenkins.add_job(JOB, gated(asyncio.Event()))

    def crash() -> None:
        job.builds[1].building = False

    time.after(20, crash)
    with pytest.raises(GiveUp) as lost:
        await bench.run()
    assert lost.value.reason is Reason.JENKINS_LOST
    job.builds[1].building = True  # so that the offline Jenkins ends it


async def test_a_start_without_an_answer_is_not_repeated(bench: Bench, jenkins: OfflineJenkins) -> None:
    jenkins.add_job(JOB)
    lost = jenkins.faults.add(
        "POST", "/buildWithParameters", status=502, body="<html>bad gateway</html>", after=True
    )
    assert (await bench.run()).number == 1
    assert lost.hits == 1
    assert len(jenkins.builds) == 1
    assert jenkins.triggers() == 1


async def test_two_builds_of_one_key_are_one(bench: Bench, jenkins: OfflineJenkins) -> None:
    """If the same start arrives twice, the first build is followed."""
    job = jenkins.add_job(JOB)
    for number in (1, 2):
        jenkins.scheduler.schedule(job, {"CHATOPS_RUN": ORDER.key, "n": str(number)}, "chatops")
        jenkins.scheduler.advance()
    assert (await bench.run()).number == 1
    assert jenkins.triggers() == 0


async def test_html_instead_of_json_means_unavailable(bench: Bench, jenkins: OfflineJenkins) -> None:
    jenkins.add_job(JOB)
    jenkins.faults.add("GET", "/queue/api/json", status=200, body="<html>Sign in</html>", times=2)
    jenkins.faults.add("GET", "/1/api/json", status=504, body="<h1>504 Gateway Time-out</h1>nginx", times=3)
    assert (await bench.run()).result == "SUCCESS"
    assert any(note.endswith("the answer is not JSON") for note in bench.log.notes)
    assert any(note.endswith("504 504 Gateway Time-out nginx") for note in bench.log.notes)


async def test_the_bot_waits_for_a_slow_jenkins(bench: Bench, jenkins: OfflineJenkins) -> None:
    jenkins.add_job(JOB)
    slow = jenkins.faults.add("GET", "/1/api/json", hang=True, times=2)

    async def impatient(request: httpx.Request) -> None:
        """Use a short timeout, because no answer will come."""
        if slow.matches(request.method, request.url.path):
            request.extensions["timeout"] = httpx.Timeout(None, read=0.05).as_dict()

    jobs = bench.jobs()
    jobs.client._http.event_hooks["request"].append(impatient)
    assert (await bench.run(jobs=jobs)).result == "SUCCESS"
    assert any("ReadTimeout" in note for note in bench.log.notes)


async def test_no_build_remains_in_the_fake_jenkins(bench: Bench, jenkins: OfflineJenkins) -> None:
    async def story(handle: BuildHandle) -> str:
        await handle.sleep(5)
        return "SUCCESS"

    jenkins.add_job(JOB, story)
    await bench.run()
    assert jenkins.scheduler.running == []
