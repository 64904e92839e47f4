import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.results import report_files
from bot.model.report import Case, CaseState
from bot.model.run import TestCounts
from tests.core.junit_texts import only, read, suite


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
