from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.results import cases, report_files
from bot.model.report import Case, CaseState, Report

PASSED, FAILED, SKIPPED = CaseState.PASSED, CaseState.FAILED, CaseState.SKIPPED

SAMPLES = Path(__file__).parent / "reports"
NUNIT, XUNIT, TRX = ((SAMPLES / name).read_text() for name in ("nunit3.xml", "xunit.xml", "vstest.trx"))


def trx(*parts: str) -> str:
    space = "http://microsoft.com/schemas/VisualStudio/TeamTest/2010"
    return f'<?xml version="1.0"?><TestRun id="1" xmlns="{space}"><Times/>{"".join(parts)}</TestRun>'


def read(text: str) -> Report:
    return report_files.read({"results.trx": text.encode()})


def states(text: str) -> list[tuple[str, CaseState]]:
    return [(case.name, case.state) for case in read(text).cases]


def test_nunit() -> None:
    assert read(NUNIT).cases == (
        Case("Shop.CartTests", "Adds", PASSED, 0.25, output="adding"),
        Case(
            *("Shop.CartTests", "Removes(1)", FAILED, 1.5, "Expected: 2\n  But was:  3"),
            "   at Shop.CartTests.Removes(Int32 n) in CartTests.cs:line 12",
        ),
        Case("Shop.CartTests", "Later", SKIPPED, message="not yet"),
        Case("Shop.CartTests", "Asks", SKIPPED),
    )


def test_xunit() -> None:
    assert read(XUNIT).cases == (
        Case("Shop.CartTests", "Adds", PASSED, 0.25, output="adding"),
        Case(
            *("Shop.CartTests", "Removes(n: 1)", FAILED, 1.5, "Assert.Equal() Failure: 2, 3"),
            "   at Shop.CartTests.Removes(Int32 n)",
        ),
        Case("Shop.CartTests", "Later", SKIPPED, message="not yet"),
    )


def definitions_first(text: str) -> str:
    """Return the file as older versions of the tools write it."""
    start, end = text.index("<TestDefinitions>"), text.index("<ResultSummary")
    return text.replace(text[start:end], "").replace("<Times/>", f"<Times/>{text[start:end]}")


@pytest.mark.parametrize("text", [TRX, definitions_first(TRX)])
def test_trx_names_classes_before_the_results_or_after_them(text: str) -> None:
    assert read(text).cases == (
        Case("Shop.CartTests", "Adds", PASSED, 0.25, output="adding!"),
        Case(
            *("Shop.CartTests", "Removes(1)", FAILED, 61.5, "Expected 2, got 3"),
            "   at Shop.CartTests.Removes",
        ),
        Case("Shop.CartTests", "Later", SKIPPED, message="not yet"),
        Case("(unnamed)", "Nowhere", PASSED),
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<test-run><test-case name='a' result='Warning'/></test-run>", [("a", PASSED)]),
        ("<test-run><test-case name='a' result='Broken'/></test-run>", [("a", FAILED)]),
        ("<test-run><test-case/></test-run>", [("(unnamed)", FAILED)]),
        ("<assemblies><test name='a' result='NotRun'/></assemblies>", [("a", SKIPPED)]),
        ("<assemblies><test name='a' result='pass'/></assemblies>", [("a", FAILED)]),
        (trx("<UnitTestResult testName='a' outcome='Inconclusive'/>"), [("a", SKIPPED)]),
        (trx("<UnitTestResult testName='a' outcome='Timeout'/>"), [("a", FAILED)]),
        (trx("<UnitTestResult testName='a'/>"), [("a", FAILED)]),
    ],
)
def test_only_what_says_so_passed(text: str, expected: list[tuple[str, CaseState]]) -> None:
    assert states(text) == expected


def fixture(site: str, result: str) -> str:
    return (
        f"<test-run><test-suite name='F' fullname='Ns.F' result='Failed' site='{site}'>"
        "<failure><message>no database</message></failure>"
        f"<test-case name='a' classname='Ns.F' result='{result}' site='Parent'/></test-suite></test-run>"
    )


def test_a_fixture_that_fails_by_itself_counts_unless_its_cases_say_so() -> None:
    down = read(fixture("TearDown", "Passed")).cases

    assert [(case.suite, case.name, case.state) for case in down] == [
        ("Ns.F", "a", PASSED),
        ("Ns", "F", FAILED),
    ]
    assert down[1].message == "no database"
    assert states(fixture("SetUp", "Failed")) == [("a", FAILED)]
    assert states(fixture("Child", "Failed")) == [("a", FAILED)]


def test_errors_outside_of_tests_are_failed_cases() -> None:
    error = (
        "<assemblies><assembly name='a'><errors><error type='fixture-cleanup' name='Db'>"
        "<failure><message>gone</message></failure></error></errors></assembly></assemblies>"
    )
    crash = "<ResultSummary><RunInfos>{}</RunInfos></ResultSummary>"
    info = "<RunInfo outcome='{}'><Text>the host crashed</Text></RunInfo>"

    assert [(case.suite, case.message, case.state) for case in read(error).cases] == [
        ("fixture-cleanup", "gone", FAILED)
    ]
    assert [case.message for case in read(trx(crash.format(info.format("Error")))).cases] == [
        "the host crashed"
    ]
    assert states(trx(crash.format(info.format("Warning")))) == []


def nested(outer: str, *inner: str) -> str:
    rows = "".join(f"<UnitTestResult testName='row' outcome='{one}'/>" for one in inner)
    return trx(
        f"<UnitTestResult testName='all' outcome='{outer}'><InnerResults>{rows}</InnerResults>"
        "</UnitTestResult>"
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (nested("Passed", "Passed", "Passed"), [("row", PASSED)] * 2),
        (nested("Failed", "Passed", "Failed"), [("row", PASSED), ("row", FAILED)]),
        (nested("Failed", "Passed"), [("row", PASSED), ("all", FAILED)]),
    ],
)
def test_a_case_that_sums_up_others_counts_only_if_it_alone_failed(
    text: str, expected: list[tuple[str, CaseState]]
) -> None:
    assert states(text) == expected


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("00:00:01.5", 1.5),
        ("1.00:00:00", 86_400.0),
        ("01:02:03", 3723.0),
        ("999999.00:00:00", 0.0),
        ("1,5", 0.0),
        ("", 0.0),
    ],
)
def test_durations_of_trx(written: str, meant: float) -> None:
    text = trx(f"<UnitTestResult testName='a' outcome='Passed' duration='{written}'/>")

    assert read(text).cases[0].seconds == meant


def test_a_namespace_that_the_name_is_or_repeats() -> None:
    text = (
        "<test-run><test-case name='Ns.F.a' classname='Ns.F' result='Passed'/>"
        "<test-case name='b' fullname='b' result='Passed'/>"
        "<test-case name='F.' classname='F' result='Passed'/></test-run>"
    )

    assert [(case.suite, case.name) for case in read(text).cases] == [
        ("Ns.F", "a"),
        ("b", "b"),
        ("F", "(unnamed)"),
    ]


def test_elements_within_texts_do_not_count() -> None:
    text = (
        "<assemblies><test name='a' type='T' result='Fail'><failure><message>one<test result='Pass'/>two"
        "<message>three</message></message></failure><failure><stack-trace>at</stack-trace></failure></test>"
        "</assemblies>"
    )

    assert read(text).cases == (Case("T", "a", FAILED, message="onetwothree", details="at"),)


def test_without_a_message_the_first_line_of_the_trace_is_one() -> None:
    text = (
        "<assemblies><test name='a' type='T' result='Fail'><failure><stack-trace>at x\n at y</stack-trace>"
        "</failure></test></assemblies>"
    )

    assert read(text).cases[0].message == "at x"


def test_reruns_and_broken_files_are_the_same_in_every_format() -> None:
    twice = "<test name='a' type='T' result='Fail' time='1'/><test name='a' type='T' result='Pass' time='1'/>"
    whole = f"<assemblies>{twice}</assemblies>".encode()

    report = report_files.read({"a.xml": whole, "b.xml": whole[:-5]}, reruns=True)

    assert [case.state for case in report.cases] == [CaseState.FLAKY, CaseState.FLAKY]
    assert [file.path for file in report.unreadable] == ["b.xml"]


def test_a_trx_file_that_breaks_off_has_the_classes_that_were_read() -> None:
    report = read(TRX.partition("<ResultSummary")[0])

    assert (report.cases[0].suite, len(report.unreadable)) == ("Shop.CartTests", 1)


@pytest.mark.attack
def test_the_classes_of_a_file_are_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cases, "MOST_CASES", 2)
    definitions = "".join(
        f"<UnitTest id='{id_}'><TestMethod className='T{id_}'/></UnitTest>" for id_ in range(4)
    )
    results = "".join(
        f"<UnitTestResult testId='{id_}' testName='t' outcome='{outcome}'/>"
        for id_, outcome in enumerate(["Passed", "Passed", "Passed", "Failed"])
    )

    report = read(trx(definitions, results))

    assert [(case.suite, case.state) for case in report.cases] == [
        ("T0", PASSED),
        ("T1", PASSED),
        ("(unnamed)", FAILED),
    ]
    assert report.truncated


@pytest.mark.attack
@pytest.mark.parametrize("root", ["test-run", "assemblies", "TestRun"])
def test_hostile_files_of_every_format_are_refused(root: str) -> None:
    entity = f'<!DOCTYPE {root} [<!ENTITY a "b">]><{root}>&a;</{root}>'
    deep = f"<{root}>" + "<UnitTestResult>" * 51

    assert [file.message for file in read(entity).unreadable] == ["a DTD is not allowed"]
    assert [file.message for file in read(deep).unreadable] == ["nested deeper than 50"]


@pytest.mark.attack
def test_long_texts_keep_both_ends() -> None:
    long = "start" + "x" * 50_000 + "end"
    text = (
        f"<assemblies><test name='{long}' type='{long}' result='Fail'><failure><message>{long}</message>"
        f"<stack-trace>{long}</stack-trace></failure><output>{long}</output></test></assemblies>"
    )
    (case,) = read(text).cases

    lengths = [len(text) for text in (case.suite, case.name, case.message, case.details, case.output)]
    assert lengths == [499, 499, 3_999, 15_999, 15_999]


names = st.sampled_from(
    [
        *("test-run", "test-suite", "test-case", "assemblies", "test", "error", "errors", "TestRun"),
        *("UnitTestResult", "InnerResults", "Output", "ErrorInfo", "Message", "StackTrace", "RunInfo"),
        *("UnitTest", "TestMethod", "failure", "message", "stack-trace", "output", "reason", "Text"),
    ]
)
marks = st.sampled_from(["Passed", "Failed", "Pass", "Fail", "Error", "SetUp", ""])
elements = st.recursive(
    st.text(alphabet="ab &lt;", max_size=3).map(lambda text: text.replace("&", "").replace("<", "")),
    lambda inner: st.tuples(names, marks, marks, st.lists(inner, max_size=4)).map(
        lambda one: (
            f"<{one[0]} result='{one[1]}' outcome='{one[1]}' site='{one[2]}' testId='1' id='1' className='C'"
            f" name='n' testName='n'>{''.join(one[3])}</{one[0]}>"
        )
    ),
    max_leaves=20,
)


@given(st.sampled_from(["test-run", "assemblies", "TestRun"]), st.lists(elements, max_size=5))
def test_any_tree_is_a_report(root: str, parts: list[str]) -> None:
    report = read(f"<{root}>{''.join(parts)}</{root}>")

    assert (report.recognized, report.unreadable) == (True, ())
    assert report.counts.total == len(report.cases)
    assert all(case.name and case.suite for case in report.cases)
