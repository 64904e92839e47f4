"""Test suites with a real engine."""

import asyncio
from dataclasses import replace

import pytest

from bot.model.errors import TellUser
from bot.model.holder import ANYONE
from bot.model.reason import Reason
from bot.runners import collect
from bot.runners.docker import tests_container
from tests.real.clock import AdvancingLog
from tests.real.parts import PATIENCE
from tests.runners.conftest import KEY, TOO_MUCH, Stage
from tests.runners.waiting import until

pytestmark = pytest.mark.docker


async def test_suite_reaches_the_service_and_leaves_its_report(stage: Stage) -> None:
    await stage.platform.deploy(stage.spec(), stage.log)
    script = """
        mkdir -p /reports/nested && cd /reports
        nslookup app && echo '<testsuite/>' > junit.xml
        echo "$WORD" > nested/Other.XML; echo no > notes.txt; echo '<p>' > index.html
        echo finished; echo to stderr >&2; exit 5
    """

    output = await stage.platform.run_tests(stage.suite(script, env={"WORD": "<x/>"}), stage.log)

    assert output.exit_code == 5
    assert output.files == {
        "junit.xml": b"<testsuite/>\n",
        "nested/Other.XML": b"<x/>\n",
        "index.html": b"<p>\n",
    }
    assert {"finished", "to stderr"} <= set(stage.log.text.splitlines())
    assert [str(found.name)[-4:] for found in stage.containers] == ["-app"]


async def test_a_report_may_be_one_file_in_a_volume_of_the_image(stage: Stage) -> None:
    image = stage.push('VOLUME /out\nENTRYPOINT ["sh", "-c", "echo \'<a/>\' > /out/r.xml"]\n')
    await stage.platform.deploy(stage.spec(), stage.log)

    output = await stage.platform.run_tests(
        stage.suite("", image=image.pinned, report="/out/r.xml"), stage.log
    )

    assert output.files == {"r.xml": b"<a/>\n"}


async def test_suite_without_a_report_has_no_files(stage: Stage) -> None:
    output = await stage.platform.run_tests(stage.suite("exit 0", standalone=True), stage.log)

    assert (output.exit_code, output.files) == (0, {})


async def test_a_standalone_suite_needs_and_leaves_no_environment(stage: Stage) -> None:
    with pytest.raises(TellUser) as caught:
        await stage.platform.run_tests(stage.suite("true"), stage.log)
    assert caught.value.reason is Reason.NO_ENVIRONMENT

    await stage.platform.run_tests(stage.suite("echo alone", standalone=True), stage.log)

    assert "alone\n" in stage.log.text
    assert stage.empty


@pytest.mark.attack
async def test_hostile_reports_are_skipped(stage: Stage) -> None:
    script = """
        mkdir -p /reports && cd /reports
        ln -s /etc/passwd link.xml; ln -s / root; mkfifo pipe.xml
        echo good > good.xml
        echo bad > "$(printf 'line\\nbreak.xml')"
        head -c 20000000 /dev/zero > huge.xml
    """

    output = await stage.platform.run_tests(stage.suite(script, standalone=True), stage.log)

    assert output.files == {"good.xml": b"good\n"}


@pytest.mark.attack
async def test_a_report_folder_that_is_a_symlink_yields_nothing(stage: Stage) -> None:
    output = await stage.platform.run_tests(stage.suite("ln -s /proc /reports", standalone=True), stage.log)

    assert output.files == {}


@pytest.mark.attack
async def test_sparse_file_of_terabytes_takes_no_time(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tests_container, "ARCHIVE_LIMIT", 2 * collect.CHUNK)
    script = "mkdir /reports; truncate -s 8T /reports/b.bin"

    async with asyncio.timeout(PATIENCE):
        output = await stage.platform.run_tests(stage.suite(script, standalone=True), stage.log)

    assert output.files == {}


@pytest.mark.attack
async def test_archive_is_read_up_to_a_limit(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tests_container, "ARCHIVE_LIMIT", 2 * collect.CHUNK)
    script = "mkdir /reports; echo a > /reports/a.xml; head -c 9000000 /dev/zero > /reports/b.bin"

    output = await stage.platform.run_tests(stage.suite(script, standalone=True), stage.log)

    assert set(output.files) <= {"a.xml"}
    assert "/reports is too large: only its beginning is read\n" in stage.log.text


@pytest.mark.attack
async def test_a_suite_over_its_timeout_is_stopped_and_reported(stage: Stage) -> None:
    suite = stage.suite("echo begun; exec sleep 999", standalone=True)

    with pytest.raises(TellUser) as caught:
        await stage.platform.run_tests(suite, AdvancingLog("begun", suite.timeout))

    assert caught.value.reason is Reason.TIMED_OUT
    assert caught.value.facts == {"step": "test", "seconds": str(suite.timeout)}
    assert caught.value.log == "begun"
    assert stage.empty


@pytest.mark.attack
async def test_a_suite_over_its_memory_limit_is_reported(stage: Stage) -> None:
    suite = stage.suite(TOO_MUCH, memory="16m", standalone=True)

    with pytest.raises(TellUser) as caught:
        await stage.platform.run_tests(suite, stage.log)

    assert (caught.value.reason, caught.value.facts) == (
        Reason.OUT_OF_MEMORY,
        {"name": "unit", "limit": "16m"},
    )


@pytest.mark.parametrize(
    ("recipe", "command", "words"), [("USER nosuch\n", "true", "nosuch"), ("CMD []\n", "", "command")]
)
async def test_an_image_that_the_engine_cannot_start_is_reported(
    stage: Stage, recipe: str, command: str, words: str
) -> None:
    image = stage.push(recipe)

    with pytest.raises(TellUser) as caught:
        await stage.platform.run_tests(stage.suite(command, image=image.pinned, standalone=True), stage.log)

    assert caught.value.reason is Reason.CONTAINER_EXITED
    assert words in caught.value.log
    assert stage.empty


async def test_cancelling_removes_the_container(stage: Stage) -> None:
    await stage.platform.deploy(stage.spec(), stage.log)
    running = asyncio.create_task(stage.platform.run_tests(stage.suite("echo begun; sleep 999"), stage.log))
    await until(lambda: "begun" in stage.log.text)

    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running

    assert [str(found.name)[-4:] for found in stage.containers] == ["-app"]


@pytest.mark.attack
async def test_endless_output_neither_fills_the_log_nor_hides_the_end(stage: Stage) -> None:
    line = "x" * 999
    suite = stage.suite(f"yes {line} | head -c 20000000; echo; echo the end", standalone=True)

    await stage.platform.run_tests(replace(suite, suite="flood"), stage.log)

    assert len(stage.log.text) < 17 << 20
    assert set(stage.log.text.splitlines()) == {line}
    assert stage.log.notes == ["too much output: the rest is not stored"]


async def test_a_container_left_by_a_killed_bot_is_replaced(stage: Stage) -> None:
    await stage.platform.deploy(stage.spec(), stage.log)
    running = asyncio.create_task(stage.platform.run_tests(stage.suite("echo begun; sleep 999"), stage.log))
    await until(lambda: "begun" in stage.log.text)

    again = await stage.platform.run_tests(stage.suite("echo again"), stage.log)

    assert again.exit_code == 0
    await asyncio.gather(running, return_exceptions=True)
    await stage.platform.remove(KEY, ANYONE)
    assert stage.empty
