"""Requirements for every file store, in a folder or in the database."""

import pytest

from bot.file_store import FileStore

LONG = bytes(range(256)) * 2_000


async def test_appended_data_can_be_read_while_more_is_written(file_store: FileStore) -> None:
    log = file_store.open_append(7, "build.log")
    assert log.append(b"one\n")
    await file_store.flush(7, "build.log")
    assert await file_store.read(7, "build.log") == b"one\n"

    assert log.append(b"two\n")
    await file_store.flush(7, "build.log")

    assert await file_store.read(7, "build.log", 4) == b"two\n"
    assert log.size == 8


async def test_appending_continues_after_existing_data(file_store: FileStore) -> None:
    file_store.open_append(7, "build.log").append(b"one\n")
    await file_store.flush(7, "build.log")

    again = file_store.open_append(7, "build.log")
    again.append(b"two\n")
    await file_store.flush(7, "build.log")

    assert again.size == 8
    assert await file_store.read(7, "build.log") == b"one\ntwo\n"


@pytest.mark.parametrize("step", [1, 1000, 70_000])
async def test_a_file_can_be_read_from_any_offset(file_store: FileStore, step: int) -> None:
    log = file_store.open_append(7, "build.log")
    for start in range(0, len(LONG), 50_000):
        log.append(LONG[start : start + 50_000])
    await file_store.flush(7, "build.log")

    for offset in (0, 1, 65_535, 65_536, 65_537, 300_000, len(LONG) - 1):
        assert await file_store.read(7, "build.log", offset, step) == LONG[offset : offset + step]
    assert await file_store.read(7, "build.log", 300_000) == LONG[300_000:]
    assert await file_store.read(7, "build.log", len(LONG)) == b""
    assert await file_store.size(7, "build.log") == len(LONG)
    assert await file_store.read(7, "build.log", 10**30, 10) == b""


async def test_files_are_replaced_as_a_whole(file_store: FileStore) -> None:
    await file_store.put(7, {"report.html": LONG, "suites/unit/report.json": b"{}"})
    await file_store.put(7, {"report.html": b"short"})

    assert await file_store.read(7, "report.html") == b"short"
    assert await file_store.names(7) == ("report.html", "suites/unit/report.json")


async def test_each_run_has_separate_files(file_store: FileStore) -> None:
    for run in (3, 11, 12):
        await file_store.put(run, {"build.log": str(run).encode(), "report.html": b"x"})

    assert await file_store.read(11, "build.log") == b"11"
    assert await file_store.read(4, "build.log") == b""
    assert await file_store.size(4, "build.log") == 0
    assert await file_store.names(4) == ()
    names = ("build.log", "report.html")
    assert await file_store.runs_with_files(limit=2) == {3: names, 11: names}
    assert await file_store.runs_with_files(after=11) == {12: names}


async def test_only_the_given_files_are_removed(file_store: FileStore) -> None:
    await file_store.put(
        7, {"build.log": b"1", "suites/unit/report.json": b"{}", "suites/unit/xml/001-a.xml": b""}
    )
    await file_store.put(8, {"build.log": b"1"})

    await file_store.remove(7, ["build.log", "suites/unit/xml/001-a.xml", "never.log"])
    assert await file_store.names(7) == ("suites/unit/report.json",)

    await file_store.remove(7, ["suites/unit/report.json"])
    await file_store.remove(7, [])
    assert await file_store.runs_with_files() == {8: ("build.log",)}
