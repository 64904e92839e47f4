"""A full disk: only stored webhooks are acknowledged, none of these is lost, and work continues."""

import asyncio
from pathlib import Path

import pytest

from bot.model.errors import RetryLater
from bot.model.report import Report
from bot.model.run import RunState
from bot.reports.files import RunFiles
from bot.reports.folder import FolderFileStore
from bot.sandbox.process import ProcessSandbox
from tests.dialogue.offline import OfflineTester, visitor
from tests.faults.conftest import SmallDisk
from tests.runners.waiting import until


async def test_a_webhook_that_cannot_be_stored_is_not_acknowledged(
    on_small_disk: OfflineTester, small_disk: SmallDisk
) -> None:
    tester = on_small_disk
    await tester.opened()
    small_disk.fill()
    await tester.comment("/build")
    await tester.gitee.delivered()
    assert tester.gitee.deliveries[-1].status == 503
    async with visitor(tester.bot.listeners.web.url) as client:
        assert (await client.get("/healthz")).status_code == 200
        assert (await client.get("/runs/1")).status_code in {200, 503}
    small_disk.free()
    tester.gitee.redeliver(-1)
    assert "Image built" in await tester.read()
    assert len(await tester.runs()) == 2
    assert len(tester.comments()) == 2


async def test_a_run_waits_for_disk_space_and_continues(
    on_small_disk: OfflineTester, small_disk: SmallDisk, caplog: pytest.LogCaptureFixture
) -> None:
    tester = on_small_disk
    gate = tester.world.script.hold("build")
    await tester.open()
    await gate.reached()
    small_disk.fill()
    gate.open()

    async def waiting() -> bool:
        return "waits until the store is available" in caplog.text

    await tester.until(waiting)
    small_disk.free()
    assert "2 tests passed" in await tester.read()
    assert [run.state for run in await tester.runs()] == [RunState.PASSED]
    assert len(tester.comments()) == 1
    assert len(tester.world.deployed) == 1


async def test_a_log_that_cannot_be_written_loses_lines_but_not_the_run(small_disk: SmallDisk) -> None:
    files = RunFiles(FolderFileStore(small_disk.folder), ProcessSandbox())
    log = files.log(1, "build")
    log.write("before\n")
    small_disk.fill()
    log.write("x" * (1 << 20) + "\n")
    log.note("the bot's own word")
    assert log.tail(1).startswith("xxx")
    small_disk.free()
    log.write("after\n")
    kept = (await files.read_log(1, "build", 0, 4 << 20)).text
    assert kept.startswith("before\n")
    assert kept.endswith("after\n")
    assert "bytes" in kept


async def test_a_log_that_cannot_be_opened_is_started_later(tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("in the way")
    files = RunFiles(FolderFileStore(tmp_path), ProcessSandbox())
    log = files.log(1, "build")
    log.write("lost\n")
    (tmp_path / "runs").unlink()
    log.write("kept\n")
    assert (await files.read_log(1, "build", 0, 1000)).text.endswith("kept\n")


async def test_a_report_waits_for_disk_space(small_disk: SmallDisk, caplog: pytest.LogCaptureFixture) -> None:
    store = FolderFileStore(small_disk.folder)
    small_disk.fill()
    with pytest.raises(RetryLater, match="No space left on device"):
        await store.put(1, {"report.html": b"x" * (1 << 16)})
    saving = asyncio.create_task(
        RunFiles(store, ProcessSandbox()).save(1, "unit", Report(()), {"a.xml": b"<x/>" * 9999})
    )
    await until(lambda: saving.done() or "run 1 waits to store a report" in caplog.text)
    assert not saving.done()
    small_disk.free()
    await saving
    assert await RunFiles(store, ProcessSandbox()).has_report(1)
