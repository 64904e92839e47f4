import pytest

from bot.core.results.suites import SuiteResult, cut, foreign_notes, none_ran, unreadable_notes, verdict
from bot.model.reason import Reason
from bot.model.report import UnreadableFile
from bot.model.run import Note, StepResult, StepState, TestCounts

PASSED, FAILED, SKIPPED = StepState.PASSED, StepState.FAILED, StepState.SKIPPED
EMPTY = UnreadableFile("/reports/b.xml", "empty")
HALF = UnreadableFile("/reports/c.xml", "line 1: no element found")


def suite(code: int, counts: TestCounts | None, *failed: str, name: str = "default") -> SuiteResult:
    return SuiteResult(name, code, counts, failed)


def ended(*results: SuiteResult) -> StepResult:
    return verdict(results, "/reports", "the log")


@pytest.mark.parametrize(
    ("result", "state", "reason"),
    [
        (suite(0, TestCounts(3)), PASSED, None),
        (suite(0, TestCounts(3, 0, 1)), PASSED, None),
        (suite(0, None), PASSED, Reason.NO_REPORT),
        (suite(0, TestCounts()), SKIPPED, Reason.NO_TEST_RAN),
        (suite(0, TestCounts(skipped=4)), SKIPPED, Reason.NO_TEST_RAN),
        (suite(5, TestCounts()), FAILED, Reason.NO_TEST_RAN),
        (suite(1, TestCounts(3)), FAILED, Reason.TESTS_EXITED),
        (suite(1, None), FAILED, Reason.NO_REPORT),
        (suite(0, TestCounts(3, 1), "s::t"), FAILED, Reason.TESTS_FAILED),
        (suite(1, TestCounts(3, 1), "s::t"), FAILED, Reason.TESTS_FAILED),
        (SuiteResult("default", 0, TestCounts(3), unread=("/reports/a.xml",)), FAILED, Reason.REPORT_CUT),
        (SuiteResult("default", 0, TestCounts(3), unreadable=(EMPTY,)), FAILED, Reason.REPORT_UNREADABLE),
        (SuiteResult("default", 0, None, unreadable=(EMPTY,)), FAILED, Reason.REPORT_UNREADABLE),
        (SuiteResult("default", 0, None, foreign=("/reports/coverage.xml",)), PASSED, Reason.NO_REPORT),
        (SuiteResult("default", 0, TestCounts(1), foreign=("/reports/coverage.xml",)), PASSED, None),
    ],
)
def test_what_one_suite_means(result: SuiteResult, state: StepState, reason: Reason | None) -> None:
    found = ended(result)

    assert (found.state, found.reason, found.tests) == (state, reason, result.counts)
    assert found.failed_suites == (("default",) if state is FAILED else ())


def test_failed_tests_and_a_broken_file_are_both_reported() -> None:
    broken = SuiteResult("default", 1, TestCounts(1, 2), ("s::a", "s::b"), unreadable=(EMPTY, HALF))

    found = ended(broken)

    assert found.facts == {"failed": "2", "total": "3", "code": "1", "path": "/reports"}
    assert found.failed_tests == ("s::a", "s::b")
    assert found.log_tail == ""
    assert found.notes == unreadable_notes((EMPTY, HALF), code="1")


def test_a_broken_file_is_the_reason_where_no_test_failed() -> None:
    found = ended(
        SuiteResult("unit", 0, TestCounts(3)),
        SuiteResult("web", 137, TestCounts(1), unreadable=(EMPTY, HALF)),
    )

    assert found.facts == {"path": EMPTY.path, "message": "empty", "code": "137"}
    assert found.notes == unreadable_notes((HALF,))
    assert (found.log_tail, found.failed_suites) == ("the log", ("web",))


def test_only_the_first_files_of_each_kind_are_named() -> None:
    files = tuple(UnreadableFile(f"{number}.xml", "empty") for number in range(9))
    paths = [file.path for file in files]

    found = ended(*(SuiteResult(str(n), 1, TestCounts(0, 1), unreadable=files) for n in range(3)))

    assert len(found.notes) == len(unreadable_notes(files)) == 3
    assert foreign_notes(paths)[0].facts == {"paths": "0.xml, 1.xml, 2.xml"}
    assert (cut(paths) or {})["paths"] == "0.xml, 1.xml, 2.xml"
    assert (cut([]), foreign_notes([])) == (None, ())


def test_other_xml_explains_why_there_is_no_report() -> None:
    coverage = SuiteResult("default", 0, None, foreign=("/reports/coverage.xml",))
    note = Note("not_a_test_report", {"paths": "/reports/coverage.xml"})

    assert ended(coverage).notes == (note,)
    assert ended(SuiteResult("default", 2, None, foreign=coverage.foreign)).notes == (note,)


def test_a_suite_without_tests_is_named_beside_others() -> None:
    nothing = SuiteResult("web", 0, TestCounts(skipped=1))
    note = Note("suites_without_tests", {"names": "web"})

    passed = ended(SuiteResult("unit", 0, TestCounts(3)), nothing)
    failed = ended(SuiteResult("unit", 1, TestCounts(3, 1), ("s::t",)), nothing)

    assert (passed.state, passed.notes) == (PASSED, (note,))
    assert (failed.state, failed.notes) == (FAILED, (note,))


def test_what_counts_as_no_test() -> None:
    assert none_ran(TestCounts(skipped=2))
    assert not none_ran(TestCounts(failed=1))
    assert not none_ran(TestCounts(passed=1))
