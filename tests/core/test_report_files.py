"""Files of test reports: which are read, how far, and what is wrong with the others."""

import re
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.results import cases, report_files
from bot.model.limits import LimitError
from bot.model.report import Case, CaseState, Report, UnreadableFile
from tests.core.junit_texts import only, read, suite


def test_files_are_read_in_order_of_their_paths() -> None:
    files = {"b.xml": suite("<testcase name='2'/>").encode(), "a.xml": suite("<testcase name='1'/>").encode()}

    assert [case.name for case in report_files.read(files).cases] == ["1", "2"]


def test_other_xml_files_are_ignored() -> None:
    coverage = b'<?xml version="1.0"?><!DOCTYPE coverage SYSTEM "http://example.com/c.dtd"><coverage/>'
    files = {
        "coverage.xml": coverage,
        "junit.xml": suite("<testcase name='t'/>").encode(),
        "z.xml": b"<other/>",
    }

    report = report_files.read(files)

    assert len(report.cases) == 1
    assert (report.foreign, report.recognized) == (("coverage.xml", "z.xml"), True)


@pytest.mark.parametrize("root", ["<html></html>", "<coverage/>", "<test-results/>", "<!DOCTYPE html><a>"])
def test_files_that_are_no_report_are_named(root: str) -> None:
    report = read(root)

    assert (report.foreign, report.recognized, report.unreadable) == (("junit.xml",), False, ())


def test_reports_are_known_by_their_names() -> None:
    names = ("TEST-a.xml", "deep/Results.TRX", "notes.txt", "xml", "a.xml.gz")

    assert [report_files.is_report(name) for name in names] == [True, True, False, False, False]


def test_no_files_mean_no_cases() -> None:
    assert report_files.read({}) == Report((), recognized=False)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "empty"),
        (b" \n ", "empty"),
        (b"not xml", "line 1: syntax error"),
        (b"\x89PNG\r\n\x1a\n", "line 1: syntax error"),
        (b"<testsuite><testcase name='t'>", "line 1: no element found"),
        (b'<?xml version="1.0"?>\n<testsuite>\n&nbsp;</testsuite>', "line 3: undefined entity"),
        (b"<testsuite><a></b></testsuite>", "line 1: mismatched tag"),
        (b'<!DOCTYPE testsuite [<!ENTITY a "b">]><testsuite>&a;</testsuite>', "a DTD is not allowed"),
        (b'<!DOCTYPE a [<!ENTITY b "c">]><testsuite/>', "a DTD is not allowed"),
        (b"<!DOCTYPE a [<!ELEMENT b EMPTY>]><testsuite/>", "a DTD is not allowed"),
        (b'<!DOCTYPE testsuites SYSTEM "file:///etc/passwd"><testsuites/>', "a DTD is not allowed"),
        (b"<testsuite>" * 51, "nested deeper than 50"),
        (b"<testsuite>" + b" " * report_files.LARGEST_FILE, "larger than 20 MiB"),
    ],
)
def test_files_that_cannot_be_used(content: bytes, message: str) -> None:
    report = read(content)

    assert report.unreadable == (UnreadableFile("junit.xml", report.unreadable[0].message),)
    assert re.search(message, report.unreadable[0].message)
    assert not report.recognized


def test_what_is_beyond_the_size_of_all_reports_is_named() -> None:
    part = suite("<testcase name='t'/>").encode().ljust(report_files.LARGEST_FILE)

    report = report_files.read({f"{number}.xml": part for number in range(4)})

    assert report.unreadable == (UnreadableFile("3.xml", "beyond 64 MiB of reports in all"),)
    assert len(report.cases) == 3


def test_one_broken_report_takes_no_others_along() -> None:
    failed = suite("<testcase name='t'><failure/></testcase>").encode()

    report = report_files.read({"a.xml": failed, "b.xml": b"", "c.xml": failed[:-12]})

    assert report_files.failed_names(report) == ("s::t",)
    assert [file.path for file in report.unreadable] == ["b.xml", "c.xml"]
    assert (len(report.cases), report.recognized) == (2, True)


def test_forbidden_characters_are_replaced() -> None:
    case = only(
        suite(
            "<testcase name='t'><failure message='a\x1b[31m&#x1b;&#0;&#x110000;&#99999999999;&#65;'>"
            "\x00</failure></testcase>"
        )
    )

    assert case.message == "a\ufffd[31m\ufffd\ufffd\ufffd\ufffdA"
    assert case.details == "\ufffd"


@pytest.mark.parametrize(
    ("encode", "declared"),
    [
        (lambda text: text.encode("gb18030"), "gb2312"),
        (lambda text: text.encode("gb18030"), "UTF-8"),
        (lambda text: text.encode("gbk"), None),
        (lambda text: text.encode(), None),
        (lambda text: text.encode(), "utf-16"),
        (lambda text: text.encode(), "punycode"),
        (lambda text: text.encode(), "gb-unknown"),
        (lambda text: text.encode("utf-8-sig"), "utf-8"),
        (lambda text: text.encode("utf-16"), "utf-16"),
        (lambda text: b"\xfe\xff" + text.encode("utf-16-be"), "utf-16"),
        (lambda text: text.encode("big5"), "big5"),
    ],
)
def test_encodings_are_detected(encode: Callable[[str], bytes], declared: str | None) -> None:
    declaration = f'<?xml version="1.0" encoding="{declared}"?>\n' if declared else ""

    assert only(encode(declaration + suite("<testcase name='中文'/>"))).name == "中文"


def test_undecodable_bytes_are_replaced() -> None:
    assert only(suite("<testcase name='a#'/>").encode().replace(b"#", b"\xff")).name == "a\ufffd"


def test_unusual_declared_encodings_are_ignored() -> None:
    text = '<?xml version="1.0" encoding="unicode_escape"?>' + suite(r"<testcase name='\u4e2d'/>")

    assert only(text).name == r"\u4e2d"


def test_the_encoding_of_a_second_declaration_is_ignored() -> None:
    declaration = "<?xml version='1.0' encoding='gb18030'?>"
    text = 2 * declaration + suite("<testcase name='中文'/>")

    assert only(text.encode("gb18030")).name == "中文"


def test_latin_text_is_read_as_declared() -> None:
    text = '<?xml version="1.0" encoding="ISO-8859-1"?>' + suite("<testcase name='caf\xe9'/>")

    assert only(text.encode("latin-1")).name == "café"


def test_more_cases_than_are_kept_do_not_hide_failures() -> None:
    passed = "<testcase name='p'/>" * cases.MOST_CASES
    failed = "<testcase name='f'><failure/></testcase>" * (cases.MOST_FAILURES_BEYOND + 1)
    report = read(suite(passed + "<testcase name='p'/>" + failed))

    assert report.truncated
    assert report.counts.passed == cases.MOST_CASES
    assert report.counts.failed == cases.MOST_FAILURES_BEYOND


def test_exactly_as_many_cases_as_are_kept() -> None:
    report = read(suite("<testcase name='p'/>" * cases.MOST_CASES))

    assert len(report.cases) == cases.MOST_CASES
    assert not report.truncated


def test_failed_names_come_once_and_in_order() -> None:
    two = [Case("s", name, state) for name, state in (("b", CaseState.FAILED), ("a", CaseState.PASSED))]
    report = Report((*two, Case("s", "c", CaseState.FAILED), *two))

    assert report_files.failed_names(report) == ("s::b", "s::c")
    assert report_files.failed_names(report, limit=1) == ("s::b",)


def test_the_first_failures_say_a_line_each() -> None:
    def failed(name: str, message: str = "", details: str = "") -> Case:
        return Case("s", name, CaseState.FAILED, message=message, details=details)

    report = Report(
        (
            Case("s", "passed", CaseState.PASSED, message="fine"),
            failed("a", "\n assert 2 == 3\n +  where 2 = f()\n", "def test_a():"),
            failed("a", "again"),
            failed("b", " ", "\norg.opentest4j.AssertionFailedError: expected: <1>\n\tat B.java:3"),
            failed("silent"),
            failed("d", "one too many"),
        )
    )

    assert report_files.failure_messages(report) == {
        "s::a": "assert 2 == 3",
        "s::b": "org.opentest4j.AssertionFailedError: expected: <1>",
    }
    [long] = report_files.failure_messages(Report((failed("x", "y" * 1000),))).values()
    assert (len(long), long[-1]) == (160, "…")


tags = st.sampled_from(
    ["testsuites", "testsuite", "testcase", "failure", "error", "skipped", "system-out", "x"]
)
pieces = st.one_of(
    tags.map(lambda tag: f"<{tag} name='n' time='1'>"),
    tags.map(lambda tag: f"</{tag}>"),
    tags.map(lambda tag: f"<{tag}/>"),
    st.text(max_size=5),
)


@given(st.lists(pieces, max_size=30))
def test_any_content_is_a_report_or_unreadable(parts: list[str]) -> None:
    report = read(f"<testsuite>{''.join(parts)}</testsuite>".encode("utf-8", "surrogatepass"))

    assert report.counts.total == len(report.cases)
    assert report.recognized or report.unreadable


@given(st.binary(max_size=200))
def test_any_bytes_are_a_report_or_unreadable(content: bytes) -> None:
    report = read(content)

    assert not report.truncated
    assert report.recognized or report.unreadable or report.foreign


@pytest.mark.attack
def test_reading_stops_once_no_case_would_be_kept() -> None:
    passed = "<testcase name='p'/>" * cases.MOST_CASES
    failed = "<testcase name='f'><failure/></testcase>" * cases.MOST_FAILURES_BEYOND

    report = read(f"<testsuite>{passed}{failed}<testcase/> and no end")

    assert (report.truncated, report.counts.failed) == (True, cases.MOST_FAILURES_BEYOND)


@pytest.mark.attack
def test_a_file_with_too_many_elements_is_named_and_the_others_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cases, "MOST_ELEMENTS", 10)
    files = {
        "a.xml": suite("<testcase name='large'/>" * 20).encode(),
        "b.xml": suite("<testcase name='small'/>").encode(),
        "c.xml": suite("<testcase name='large'/>" * 21).encode(),
    }

    report = report_files.read(files)

    assert (report.unread, report.truncated) == (("a.xml", "c.xml"), True)
    assert [case.name for case in report.cases] == ["large"] * 7 + ["small"]


@pytest.mark.attack
@pytest.mark.parametrize("error", [LimitError, MemoryError])
def test_a_file_that_exhausts_a_limit_is_named(
    monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    def exhausted(_: bytes) -> bytes:
        raise error

    monkeypatch.setattr(report_files, "well_formed", exhausted)

    assert read(suite("")) == Report((), truncated=True, unread=("junit.xml",))


@pytest.mark.attack
def test_the_texts_of_all_cases_together_are_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cases, "MOST_TEXT", 5)

    report = read(suite("<testcase name='t'><failure>abc</failure></testcase>" * 2))

    assert [(case.state, case.message, case.details) for case in report.cases] == [
        (CaseState.FAILED, "abc", "abc"),
        (CaseState.FAILED, "abc", ""),
    ]
    assert report.truncated
