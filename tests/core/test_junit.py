import re
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.results import cases, report_files
from bot.model.limits import LimitError
from bot.model.report import Case, CaseState, Report, UnreadableFile
from bot.model.run import TestCounts


def read(text: str | bytes) -> Report:
    return report_files.read({"junit.xml": text if isinstance(text, bytes) else text.encode()})


def only(text: str | bytes) -> Case:
    (case,) = read(text).cases
    return case


def suite(inner: str) -> str:
    return f'<testsuite name="s">{inner}</testsuite>'


def test_a_report_of_pytest_is_read() -> None:
    report = read("""<?xml version="1.0" encoding="utf-8"?>
        <testsuites name="pytest tests"><testsuite name="pytest" failures="1" skipped="1" tests="3">
        <testcase classname="tests.test_a" name="test_ok" time="0.125" />
        <testcase classname="tests.test_a" name="test_bad" time="1.5">
        <failure message="assert 1 == 2">def test_bad():
&gt;       assert 1 == 2</failure>
        <system-out>printed</system-out><system-err> and said</system-err></testcase>
        <testcase classname="tests.test_a" name="test_skip"><skipped message="later" /></testcase>
        </testsuite></testsuites>""")

    assert report.cases == (
        Case("tests.test_a", "test_ok", CaseState.PASSED, 0.125),
        Case(
            "tests.test_a",
            "test_bad",
            CaseState.FAILED,
            1.5,
            "assert 1 == 2",
            "def test_bad():\n>       assert 1 == 2",
            "printed and said",
        ),
        Case("tests.test_a", "test_skip", CaseState.SKIPPED, 0.0, "later"),
    )
    assert not report.truncated
    assert (report.counts.passed, report.counts.failed, report.counts.skipped) == (1, 1, 1)


@pytest.mark.parametrize(
    ("inner", "state", "message"),
    [
        ("", CaseState.PASSED, ""),
        ("<failure>first line\nsecond</failure>", CaseState.FAILED, "first line"),
        ("<error message='e'/>", CaseState.FAILED, "e"),
        ("<skipped/>", CaseState.SKIPPED, ""),
        ("<flakyFailure message='once'>trace</flakyFailure>", CaseState.FLAKY, "once"),
        ("<flakyError message='once'/>", CaseState.FLAKY, "once"),
        ("<rerunFailure message='again'/>", CaseState.FLAKY, "again"),
        ("<rerunFailure message='again'/><failure message='for good'/>", CaseState.FAILED, "for good"),
        ("<skipped message='s'/><failure message='f'/>", CaseState.FAILED, "f"),
        ("<properties><property name='failure'/></properties>", CaseState.PASSED, ""),
    ],
)
def test_states_of_cases(inner: str, state: CaseState, message: str) -> None:
    case = only(suite(f"<testcase name='t'>{inner}</testcase>"))

    assert (case.state, case.message) == (state, message)


@pytest.mark.parametrize("attribute", ["status='notrun'", "result='skipped'", "status='DISABLED'"])
def test_a_case_that_says_it_did_not_run_is_skipped(attribute: str) -> None:
    assert only(suite(f"<testcase name='t' {attribute}/>")).state is CaseState.SKIPPED
    assert only(suite("<testcase name='t' status='run' result='completed'/>")).state is CaseState.PASSED


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("1.5", 1.5),
        ("1,234.5", 1234.5),
        ("1,234", 1234.0),
        ("1,234,567.8", 1_234_567.8),
        ("0,5", 0.5),
        (" 2 ", 2.0),
        ("", 0.0),
        ("fast", 0.0),
        ("NaN", 0.0),
        ("inf", 0.0),
        ("-inf", 0.0),
        ("-3", 0.0),
        ("1e300", 0.0),
    ],
)
def test_notations_of_times(written: str, meant: float) -> None:
    assert only(suite(f"<testcase name='t' time='{written}'/>")).seconds == meant


def test_names_of_suites_come_from_the_class_or_the_nearest_suite_with_a_name() -> None:
    report = read(
        "<testsuites><testsuite name='outer'><testsuite><testcase name='a'/>"
        "<testcase classname='c' name='b'/></testsuite></testsuite>"
        "<testsuite><testcase/></testsuite></testsuites>"
    )

    assert [(case.suite, case.name) for case in report.cases] == [
        ("outer", "a"),
        ("c", "b"),
        ("(unnamed)", "(unnamed)"),
    ]


def test_a_suite_that_failed_as_a_whole_is_one_failed_case() -> None:
    case = only(suite("<error message='cannot import'>trace</error><skipped/><system-out>x</system-out>"))

    assert case == Case("s", "s", CaseState.FAILED, 0.0, "cannot import", "trace")


def test_namespaces_do_not_matter() -> None:
    text = (
        '<j:testsuites xmlns:j="urn:j"><j:testsuite name="s"><j:testcase name="a"><j:failure/></j:testcase>'
        "</j:testsuite></j:testsuites>"
    )

    assert only(text).state is CaseState.FAILED
    assert only('<testsuite xmlns="urn:j" name="s"><testcase name="a"/></testsuite>').name == "a"


def test_cases_within_cases_and_elements_within_messages_belong_to_the_outer_one() -> None:
    text = suite(
        "<testcase name='outer'><testcase name='inner'><failure message='m'>a<system-out>b</system-out>"
        "<failure message='n'/>c</failure></testcase><failure>later</failure></testcase>"
    )

    assert only(text) == Case("s", "outer", CaseState.FAILED, 0.0, "m", "abc")


def test_cases_with_equal_names_are_kept() -> None:
    assert len(read(suite("<testcase name='t'/><testcase name='t'/>")).cases) == 2


def test_names_become_single_lines() -> None:
    case = only(suite("<testcase classname=' a&#10;b ' name='x&#9;&#10; y&#x85;&#x2028;z'/>"))

    assert (case.suite, case.name) == ("a b", "x y z")


def test_a_trace_stays_aligned_without_the_blank_lines_around_it() -> None:
    trace = "    def test():\n>       assert 0\n"
    case = only(suite(f"<testcase name='t'><failure>\n \n{trace}\n </failure></testcase>"))

    assert case.details == trace.rstrip()
    assert case.message == "def test():"


def test_long_texts_keep_both_ends() -> None:
    long = "start" + "x" * 50_000 + "end"
    case = only(
        suite(
            f"<testcase name='{long}'><failure message='{long}'>{long}</failure>"
            f"<system-out>{long}</system-out></testcase>"
        )
    )

    assert [len(text) for text in (case.name, case.message, case.details, case.output)] == [
        499,
        3_999,
        15_999,
        15_999,
    ]
    assert all(text.startswith("start") and text.endswith("end") for text in (case.name, case.details))


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


@pytest.mark.parametrize(
    ("text", "counts"),
    [
        ("<testsuite tests='6' failures='1'/>", TestCounts(5, 1)),
        (
            "<testsuite tests='6' failures='1' errors='2' skipped='1' disabled='1' time='1.5'/>",
            TestCounts(1, 3, 2, 0, 1.5),
        ),
        ("<testsuites tests='4' failures='4'/>", TestCounts(0, 4)),
        ("<testsuites tests='4'><testsuite tests='3'/><testsuite tests='1'/></testsuites>", TestCounts(4)),
        ("<testsuites tests='9'><testsuite><testcase/></testsuite></testsuites>", TestCounts(1)),
        ("<testsuites tests='2'><testsuite tests='2' failures='1'/></testsuites>", TestCounts(1, 1)),
        ("<testsuite failures='1'/>", TestCounts(0, 1)),
        ("<testsuite tests='0' time='3'/>", TestCounts()),
        ("<testsuite tests='many' failures='-1'/>", TestCounts()),
        ("<testsuite tests='99999999999999'/>", TestCounts(999_999)),
        ("<testsuite tests='3'><error message='e'/></testsuite>", TestCounts(0, 1)),
        ("<testsuite><testcase><testsuite tests='3'/></testcase></testsuite>", TestCounts(1)),
    ],
)
def test_totals_count_where_no_case_is_listed(text: str, counts: TestCounts) -> None:
    assert read(text).counts == counts


def with_reruns(*files: str) -> list[tuple[str, CaseState, float]]:
    given = {f"{number}.xml": suite(text).encode() for number, text in enumerate(files)}
    found = report_files.read(given, reruns=True).cases
    return [(case.name, case.state, case.seconds) for case in found]


FAIL = "<testcase name='a' time='1'><failure message='once'/></testcase>"
PASS = "<testcase name='a' time='2'/>"
SKIP = "<testcase name='a'><skipped/></testcase>"
OTHER = "<testcase name='b'/>"


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ([FAIL + OTHER + PASS], [("a", CaseState.FLAKY, 3.0), ("b", CaseState.PASSED, 0.0)]),
        ([FAIL + FAIL + PASS], [("a", CaseState.FLAKY, 4.0)]),
        ([FAIL + SKIP + PASS], [("a", CaseState.FLAKY, 3.0), ("a", CaseState.SKIPPED, 0.0)]),
        ([PASS + FAIL], [("a", CaseState.PASSED, 2.0), ("a", CaseState.FAILED, 1.0)]),
        ([PASS + FAIL + PASS], [("a", CaseState.PASSED, 2.0), ("a", CaseState.FLAKY, 3.0)]),
        ([FAIL + PASS + PASS], [("a", CaseState.FLAKY, 3.0), ("a", CaseState.PASSED, 2.0)]),
        ([FAIL, PASS], [("a", CaseState.FAILED, 1.0), ("a", CaseState.PASSED, 2.0)]),
        ([FAIL], [("a", CaseState.FAILED, 1.0)]),
    ],
)
def test_a_case_that_passed_later_in_its_file_is_flaky(
    files: list[str], expected: list[tuple[str, CaseState, float]]
) -> None:
    assert with_reruns(*files) == expected


def test_a_rerun_keeps_its_message_and_counts_only_if_the_runner_ended_well() -> None:
    report = report_files.read({"a.xml": suite(FAIL + PASS).encode()}, reruns=True)

    assert [case.message for case in report.cases] == ["once"]
    assert (report.counts.total, report.counts.flaky, report.counts.failed) == (1, 1, 0)
    assert read(suite(FAIL + PASS)).counts.failed == 1


states = st.sampled_from([FAIL, PASS, SKIP, OTHER, FAIL.replace("'a'", "'b'")])


@given(st.lists(states, max_size=12))
def test_reruns_never_hide_a_test_that_failed_last(parts: list[str]) -> None:
    plain = read(suite("".join(parts))).cases
    merged = report_files.read({"a.xml": suite("".join(parts)).encode()}, reruns=True).cases

    for name in {case.name for case in plain}:
        run = [case.state for case in plain if case.name == name and case.state is not CaseState.SKIPPED]
        failed = any(case.name == name and case.state is CaseState.FAILED for case in merged)
        assert failed is (run[-1:] == [CaseState.FAILED])
    assert sum(case.seconds for case in merged) == sum(case.seconds for case in plain)
