"""Logs and reports of runs as files."""

import json
import re
from pathlib import Path
from urllib.parse import unquote

import pytest

from bot.core.results.masking import Masker
from bot.model.errors import RetryLater
from bot.model.lease import Lease
from bot.model.reason import Reason
from bot.model.report import Case, CaseState, Report, UnreadableFile
from bot.model.run import TestCounts
from bot.reports.files import RunFiles
from bot.reports.folder import FolderFileStore
from bot.sandbox.process import ProcessSandbox

SECRET = "s3cr3t-token"
LEASE = Lease("one")
REPORT = Report(
    (
        Case("tests.test_book", "test_signs", CaseState.PASSED, 0.25),
        Case(
            "tests.test_book",
            f"test_{SECRET}",
            CaseState.FAILED,
            0.5,
            f"m {SECRET}",
            f"d {SECRET}",
            f"o {SECRET}",
        ),
    )
)


@pytest.fixture
def files(tmp_path: Path) -> RunFiles:
    return RunFiles(FolderFileStore(tmp_path / "data"), ProcessSandbox(), Masker([SECRET]))


def written(tmp_path: Path) -> list[Path]:
    return [place for place in tmp_path.rglob("*") if place.is_file()]


async def test_results_are_stored_as_xml_and_html(files: RunFiles, tmp_path: Path) -> None:
    await files.save(42, "default", REPORT, {"junit.xml": b"<testsuite/>"}, about="lin/guestbook!12")

    folder = tmp_path / "data" / "runs" / "42"
    kept = json.loads((folder / "suites" / "default" / "report.json").read_text("utf-8"))
    assert kept["counts"] == {"passed": 1, "failed": 1, "skipped": 0, "flaky": 0, "seconds": 0.75, "total": 2}
    assert [case["state"] for case in kept["cases"]] == ["passed", "failed"]
    assert (folder / "suites" / "default" / "xml" / "001-junit.xml").read_bytes() == b"<testsuite/>"
    page = await files.report(42)
    assert page == (folder / "report.html").read_bytes()
    assert b"lin/guestbook!12" in page


async def test_a_run_does_not_inherit_the_files_of_a_lost_one(files: RunFiles, tmp_path: Path) -> None:
    await files.save(42, "default", REPORT, {"junit.xml": b"<testsuite/>"})
    files.log(42, "build").write("of another pull request")
    files.log(43, "build").write("its own\n")
    await files.clear(42, LEASE)
    await files.clear(44, LEASE)
    assert [place.name for place in written(tmp_path)] == ["build.log"]
    assert (await files.read_log(42, "build", 0, 100)).text == ""
    assert (await files.read_log(43, "build", 0, 100)).text == "its own\n"


async def test_one_report_shows_all_suites_of_a_run(files: RunFiles) -> None:
    await files.save(42, "unit", REPORT, {})
    await files.save(42, "接口测试", REPORT, {})
    await files.save(42, "unit", REPORT, {})

    page = await files.report(42)

    assert page
    text = page.decode()
    assert text.count('class="suite"') == 2
    assert "接口测试" in text


async def test_no_secret_reaches_a_report(files: RunFiles, tmp_path: Path) -> None:
    await files.save(42, "default", REPORT, {"junit.xml": f"<x>{SECRET}</x>".encode() + b"\xff"})

    assert len(written(tmp_path)) == 3
    for file in written(tmp_path):
        assert SECRET.encode() not in file.read_bytes()


@pytest.mark.parametrize(
    "name", ["../../../evil", "/etc/passwd", "..", ".", "", "a/b\x00c", "x" * 500, "测试", "\ud800"]
)
async def test_no_name_leaves_the_folder(files: RunFiles, tmp_path: Path, name: str) -> None:
    await files.save(42, name, REPORT, {f"{name}.xml": b"1", name: b"2"})

    inside = tmp_path / "data" / "runs" / "42" / "suites"
    found = [file for file in written(tmp_path) if file.name != "report.html"]
    assert len(found) == 3
    assert all(file.is_relative_to(inside) for file in found)


async def test_similar_names_have_separate_files(files: RunFiles, tmp_path: Path) -> None:
    await files.save(42, "a b", REPORT, {"a/b.xml": b"1", "a-b.xml": b"2", "a b.xml": b"3"})
    await files.save(42, "a-b", REPORT, {})

    assert len([file for file in written(tmp_path) if file.suffix == ".xml"]) == 3
    assert len([file for file in written(tmp_path) if file.name == "report.json"]) == 2


async def test_the_number_of_files_is_limited(files: RunFiles, tmp_path: Path) -> None:
    await files.save(42, "default", REPORT, {f"{number}.xml": b"1" for number in range(600)})

    assert len([file for file in written(tmp_path) if file.suffix == ".xml"]) == 500


async def test_a_log_is_read_in_pieces_of_whole_characters(files: RunFiles) -> None:
    files.log(42, "build").write("构建完成\n")

    text, offset = "", 0
    while (chunk := (await files.read_log(42, "build", offset, 4))).next_offset > offset:
        text, offset = text + chunk.text, chunk.next_offset

    assert text == "构建完成\n"
    assert offset == 13


async def test_a_log_is_read_as_far_as_it_is_written(files: RunFiles) -> None:
    assert (await files.read_log(42, "build", 0, 100)).next_offset == 0

    log = files.log(42, "build")
    log.write("one\n")
    first = await files.read_log(42, "build", 0, 100)
    assert (first.text, first.next_offset) == ("one\n", 4)
    assert (await files.read_log(42, "build", 4, 100)).text == ""

    log.write("two\n")
    assert (await files.read_log(42, "build", 4, 100)).text == "two\n"


@pytest.mark.parametrize(
    ("step", "offset", "limit"),
    [("../../x", 0, 10), ("build", 10**30, 10), ("build", 99, 10), ("", 0, 10), ("BUILD\x00", 0, 10)],
)
async def test_invalid_requests_get_an_empty_answer(
    files: RunFiles, step: str, offset: int, limit: int
) -> None:
    files.log(42, "build").write("x")

    chunk = await files.read_log(42, step, offset, limit)

    assert (chunk.text, chunk.next_offset) == ("", offset)


async def test_a_negative_offset_is_the_beginning(files: RunFiles) -> None:
    files.log(42, "build").write("x")

    assert (await files.read_log(42, "build", -5, -1)).text == "x"


def test_a_log_of_an_invalid_step_cannot_be_opened(files: RunFiles) -> None:
    with pytest.raises(ValueError, match="not a step"):
        files.log(42, "../evil")


async def test_a_repeated_suite_replaces_its_results(files: RunFiles) -> None:
    await files.save(42, "unit", REPORT, {"a.xml": b"1", "b.xml": b"2"})
    await files.save(42, "unit", REPORT, {"b.xml": b"3"})

    kept = await files.store.names(42)
    assert kept == ("report.html", "suites/unit/report.json", "suites/unit/xml/001-b.xml")
    assert await files.has_report(42)
    assert not await files.has_report(43)
    assert await files.report(43) is None


async def test_a_report_waits_for_the_file_store(files: RunFiles, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error here would repeat the suite, although it did not fail."""
    errors = [RetryLater(Reason.STORE_UNAVAILABLE, {"message": "away"})]
    names = files.store.names

    async def troubled(run: int) -> tuple[str, ...]:
        if errors:
            raise errors.pop()
        return await names(run)

    monkeypatch.setattr(files.store, "names", troubled)
    monkeypatch.setattr("bot.reports.files._RETRY_SECONDS", 0)

    await files.save(42, "unit", REPORT, {})

    assert await files.has_report(42)


async def test_a_suites_own_html_is_stored_and_linked(files: RunFiles) -> None:
    page = f"<h1>{SECRET}</h1>".encode()
    await files.save(42, "接口", REPORT, {"junit.xml": b"<x/>", "allure/index.HTML": page, "<b>.html": b"2"})

    report = await files.report(42)
    assert report
    linked = re.findall(r'href="([^"]+)">([^<]+)</a>', report.decode())
    assert [name for _, name in linked] == ["&lt;b&gt;.html", "allure/index.HTML"]
    assert all(where.startswith("suites/") for where, _ in linked)
    assert linked[1][0].endswith("/html/allure/index.HTML")
    names = [await files.own_page(42, unquote(where)) for where, _ in linked]
    kept = await files.own_report(42, names[1] or "")
    assert kept
    assert SECRET.encode() not in kept
    assert await files.own_report(42, names[0] or "") == b"2"

    await files.save(42, "接口", REPORT, {"junit.xml": b"<x/>"})
    assert await files.own_page(42, unquote(linked[0][0])) is None
    assert await files.own_report(42, names[0] or "") is None
    assert b"suites/" not in (await files.report(42) or b"")


async def test_totals_and_files_that_cannot_be_read_are_stored(files: RunFiles) -> None:
    broken = UnreadableFile(f"/reports/{SECRET}.xml", "empty")
    await files.save(42, "unit", Report((), unreadable=(broken,), unlisted=TestCounts(5)), {})

    report = (await files.report(42) or b"").decode()
    assert "1 份报告无法读取" in report
    assert "<b>5</b>" in report
    assert "/reports/***.xml" in report
    assert SECRET not in report


async def test_html_over_the_limit_is_skipped_and_results_are_kept(files: RunFiles, tmp_path: Path) -> None:
    huge = {f"{number}.html": bytes(9 << 20) for number in range(3)}
    await files.save(42, "unit", REPORT, {"junit.xml": b"<x/>", **huge})

    kept = sorted(file.name for file in written(tmp_path))
    assert kept == ["001-0.html", "001-junit.xml", "report.html", "report.json"]


@pytest.mark.attack
@pytest.mark.parametrize(
    "name",
    [
        "build.log",
        "report.html",
        "suites/unit/report.json",
        "suites/unit/xml/001-junit.xml",
        "suites/../../43/report.html",
        "suites/unit/html/../../../build.log",
        "/etc/passwd",
        "suites/unit/html/001-a.html\n",
        "suites/unit/html/",
        "",
    ],
)
async def test_only_html_reports_of_suites_are_served(files: RunFiles, name: str) -> None:
    await files.save(42, "unit", REPORT, {"junit.xml": b"<x/>"})

    assert await files.own_report(42, name) is None
    assert await files.own_page(42, name) is None


@pytest.mark.attack
@pytest.mark.parametrize("name", ["../../../evil", "/etc/passwd", "..", "", "a/b\x00c", "x" * 500, "\ud800"])
async def test_no_page_name_leaves_the_folder(files: RunFiles, tmp_path: Path, name: str) -> None:
    await files.save(42, name, REPORT, {f"{name}.html": b"1"})

    inside = tmp_path / "data" / "runs" / "42" / "suites"
    [page] = [file for file in written(tmp_path) if file.read_bytes() == b"1"]
    assert page.is_relative_to(inside)
    assert await files.own_report(42, str(page.relative_to(inside.parent))) == b"1"
    [linked] = re.findall(r'href="(suites/[^"]+)"', (await files.report(42) or b"").decode())
    assert ".." not in linked.split("/")
    assert await files.own_page(42, unquote(linked)) == str(page.relative_to(inside.parent))


@pytest.mark.parametrize(
    ("limit", "tail"),
    [(11, "一\n二\n3\n"), (10, "一\n二\n3\n"), (9, "二\n3\n"), (7, "二\n3\n"), (5, "3\n"), (2, "3\n")],
)
async def test_the_tail_of_a_log_has_whole_lines(files: RunFiles, limit: int, tail: str) -> None:
    files.log(42, "build").write("一\n二\n3\n")

    assert await files.tail(42, "build", limit) == tail


async def test_a_last_line_that_is_too_long_is_cut(files: RunFiles) -> None:
    files.log(42, "build").write("first\n" + "x" * 20 + "构建")

    assert await files.tail(42, "build", 8) == "xx构建"
    assert await files.tail(42, "build", 4) == "建"
    assert await files.tail(42, "deploy", 8) == ""


async def test_the_output_of_removed_services_is_kept_with_secrets_masked(tmp_path: Path) -> None:
    kept = RunFiles(FolderFileStore(tmp_path), ProcessSandbox(), Masker(("hunter22",)))
    await kept.keep_service(7, "db", "password hunter22\n")
    await kept.keep_service(7, "web.v1/../x", "hi")
    await kept.keep_service(8, "app", "other")

    assert await kept.kept_service(7, "db") == "password ***\n"
    assert await kept.kept_service(7, "web.v1/../x") == "hi"
    names = await kept.kept_services(7)
    assert names[0] == "db"
    assert [await kept.kept_service(7, name) for name in names] == ["password ***\n", "hi"]
    assert await kept.kept_service(7, "nothing") is None
