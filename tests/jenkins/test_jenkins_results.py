"""Logs of any size, test results and archived files."""

import asyncio
import json
from pathlib import Path

import pytest

from bot.model.report import CaseState
from bot.runners.jenkins import build_log, results
from bot.runners.jenkins.test_report import read
from playground.jenkins import stories
from playground.jenkins.server import OfflineJenkins
from playground.jenkins.stories import BuildHandle, gated
from tests.jenkins.bench import Bench, Timeline

JOB = "team/build-image"
SAMPLES = Path(__file__).parents[1] / "samples" / "jenkins"


async def test_a_growing_log_is_copied_once_and_completely(bench: Bench, jenkins: OfflineJenkins) -> None:
    async def story(handle: BuildHandle) -> str:
        for number in range(50):
            handle.log(f"第 {number} 行 ✓")
            handle.build.console.write("half a ")
            await handle.sleep(1)
            handle.log("line")
        return "SUCCESS"

    jenkins.add_job(JOB, story)
    await bench.run()
    lines = bench.log.text.replace("\r\n", "\n").splitlines()
    assert [line for line in lines if line.startswith("第")] == [f"第 {n} 行 ✓" for n in range(50)]
    assert lines.count("half a line") == 50


async def test_a_log_of_200_mb_is_copied_quickly(bench: Bench, jenkins: OfflineJenkins) -> None:
    async def story(handle: BuildHandle) -> str:
        handle.log("the beginning")
        handle.log("x" * 99, times=2_000_000)
        handle.log("error: the end")
        return "FAILURE"

    job = jenkins.add_job(JOB, story)
    await bench.run()
    assert job.builds[1].console.size > 200_000_000
    assert "the beginning" in bench.log.text
    assert "error: the end" in bench.log.tail(5)
    assert len(bench.log.text) < build_log.WHOLE
    assert any("KiB of the log are skipped here" in note for note in bench.log.notes)


async def test_an_endless_log_has_limited_cost(
    bench: Bench, jenkins: OfflineJenkins, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(build_log, "BUDGET", 1 << 20)

    async def story(handle: BuildHandle) -> str:
        for _ in range(20):
            handle.log("y" * 1023, times=1024)
            await handle.sleep(3)
        handle.log("over")
        return "SUCCESS"

    jenkins.add_job(JOB, story)
    await bench.run()
    assert len(bench.log.text) < 15 << 20
    assert "over" in bench.log.tail(5)


async def test_a_rotated_log_does_not_hide_the_result(
    bench: Bench, jenkins: OfflineJenkins, time: Timeline
) -> None:
    gate = asyncio.Event()
    job = jenkins.add_job(JOB, gated(gate))

    def discard() -> None:
        job.builds[1].console.discard()

    time.after(20, discard)
    time.after(60, gate.set)
    assert (await bench.run()).result == "SUCCESS"
    assert bench.log.notes.count("the log was rotated or lost in Jenkins; the rest follows") == 1


async def test_a_log_that_restarts_is_copied_from_its_start(
    bench: Bench, jenkins: OfflineJenkins, time: Timeline
) -> None:
    gate = asyncio.Event()
    job = jenkins.add_job(JOB, gated(gate))

    def truncate() -> None:
        job.builds[1].console.truncate()
        job.builds[1].console.write("again\n")

    time.after(20, truncate)
    time.after(60, gate.set)
    await bench.run()
    assert bench.log.text.count("again") == 1
    assert "Finished: SUCCESS" in bench.log.text


async def test_a_build_removed_by_log_rotation_is_lost_and_not_repeated(
    bench: Bench, jenkins: OfflineJenkins, time: Timeline
) -> None:
    gate = asyncio.Event()
    job = jenkins.add_job(JOB, gated(gate))

    def rotate() -> None:
        gate.set()
        job.builds.clear()

    time.after(20, rotate)
    with pytest.raises(Exception, match="jenkins_lost"):
        await bench.run()
    assert jenkins.triggers() == 1


async def test_console_annotations_are_removed(bench: Bench, jenkins: OfflineJenkins) -> None:
    async def story(handle: BuildHandle) -> str:
        handle.log("\x1b[8mha:////4AAAA+/Zz09\x1b[0m[Pipeline] stage")
        return "SUCCESS"

    jenkins.add_job(JOB, story)
    await bench.run()
    assert "ha:////" not in bench.log.text
    assert "[Pipeline] stage" in bench.log.text


async def test_files_are_fetched_by_pattern_and_within_limits(
    bench: Bench, jenkins: OfflineJenkins, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(results, "LARGEST_FILE", 100)

    async def story(handle: BuildHandle) -> str:
        handle.archive("out/chatops.env", "IMAGE=a")
        handle.archive("deep/er/image.txt", b"\xff\xfe")
        handle.archive("other.txt", "no")
        handle.archive("big/image.txt", "x" * 101)
        handle.archive("../../../evil/image.txt", "no")
        handle.archive("看/a b#?%/image.txt", "yes")
        return "SUCCESS"

    jenkins.add_job(JOB, story)
    found = (await bench.run()).files
    assert found == {
        "out/chatops.env": b"IMAGE=a",
        "deep/er/image.txt": b"\xff\xfe",
        "看/a b#?%/image.txt": b"yes",
    }
    assert "big/image.txt is too large and is skipped" in bench.log.notes


async def test_published_results_are_a_report(bench: Bench, jenkins: OfflineJenkins) -> None:
    async def story(handle: BuildHandle) -> str:
        handle.publish({"adds": None, "removes": "2 != 3"})
        handle.archive("junit.xml", "<no/>")
        return "UNSTABLE"

    jenkins.add_job(JOB, story)
    ending = await bench.run(tested=True, files=("**/junit*.xml",))
    assert ending.report is not None
    assert (ending.report.counts.passed, ending.report.counts.failed) == (1, 1)
    assert ending.report.cases[1].message == "2 != 3"
    assert ending.files == {}


async def test_without_published_results_archived_files_are_fetched(
    bench: Bench, jenkins: OfflineJenkins
) -> None:
    async def story(handle: BuildHandle) -> str:
        handle.archive("reports/junit-1.xml", "<testsuite/>")
        return "SUCCESS"

    jenkins.add_job(JOB, story)
    ending = await bench.run(tested=True, files=("**/junit*.xml",))
    assert (ending.report, ending.files) == (None, {"reports/junit-1.xml": b"<testsuite/>"})


async def test_results_that_are_too_large_are_skipped(
    bench: Bench, jenkins: OfflineJenkins, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.runners.jenkins.test_report.LARGEST", 1 << 20)

    async def story(handle: BuildHandle) -> str:
        handle.publish({"adds": "x" * (2 << 20)})
        return "UNSTABLE"

    jenkins.add_job(JOB, story)
    assert (await bench.run(tested=True)).report is None
    assert "the test results have more than 1 MiB and are skipped" in bench.log.notes


def test_a_real_report_is_read() -> None:
    found = read(json.loads((SAMPLES / "api4jenkins__test_report.json").read_text(encoding="utf-8")))
    (case,) = found.cases
    assert (case.suite, case.name) == ("tests.integration.test_jenkins.TestJenkins", "test_exists")
    assert (case.state, case.seconds) == (CaseState.PASSED, 0.645)


def test_reports_of_maven_modules_are_combined() -> None:
    module = {"result": stories.test_report("unit", {"adds": None})}
    assert read({"childReports": [module, module]}).counts.passed == 2


def test_states_messages_and_invalid_values() -> None:
    cases = [
        {"name": "a", "className": "c", "status": "FIXED", "duration": -1},
        {"name": "b\n c", "className": None, "status": "SKIPPED", "skippedMessage": "not today"},
        {"status": "REGRESSION", "errorStackTrace": "first\nsecond", "duration": "long"},
        "nonsense",
    ]
    found = read({"suites": [{"name": "s", "cases": cases}, None], "childReports": [{"result": 1}]}).cases
    assert [case.state for case in found] == [CaseState.PASSED, CaseState.SKIPPED, CaseState.FAILED]
    assert [case.name for case in found] == ["a", "b c", "(unnamed)"]
    assert [case.suite for case in found] == ["c", "s", "s"]
    assert [case.message for case in found] == ["", "not today", "first"]


def test_characters_that_cannot_be_stored_are_replaced() -> None:
    (case,) = read({"suites": [{"cases": [{"name": "a\0\ud800b", "errorDetails": "x\x1b[1m\r\ny"}]}]}).cases
    assert (case.name, case.message) == ("a\ufffd?b", "x\ufffd[1m\ufffd\ny")


def test_failures_are_kept_among_many_passed_tests() -> None:
    cases = [{"name": f"p{n}", "status": "PASSED"} for n in range(20_000)]
    cases += [{"name": f"f{n}", "status": "FAILED"} for n in range(1_500)]
    found = read({"suites": [{"name": "s", "cases": cases}]})
    assert found.truncated
    assert found.counts.failed == 1_000
