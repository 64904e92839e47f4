"""Results of test suites that are neither simply passed nor failed."""

from bot.core.results.suites import SuiteResult, verdict
from bot.model.reason import Reason
from bot.model.report import UnreadableFile
from bot.model.run import StepResult, StepState, TestCounts

NO_TEST_RAN = verdict([SuiteResult("default", 0, TestCounts(skipped=2))], "/reports", "")
NOTHING_TESTED = StepResult(StepState.SKIPPED, Reason.NOTHING_TESTED, {"target": "test"})
TESTED_BY_BUILD = StepResult(StepState.PASSED, Reason.TESTED_BY_BUILD, {"target": "test"})
COVERAGE_ONLY = verdict(
    [SuiteResult("default", 0, None, foreign=("/reports/coverage.xml", "/reports/@all|`a`.xml"))],
    "/reports",
    "",
)
_BROKEN_FILES = (
    UnreadableFile("/reports/TEST-b.xml", "empty"),
    UnreadableFile("/reports/TEST-`@all`.xml", "line 3: no element found"),
)
FAILED_AND_BROKEN = verdict(
    [
        SuiteResult(
            "default", 1, TestCounts(1, 2), ("CartTests::adds", "CartTests::removes"), (), _BROKEN_FILES
        )
    ],
    "/reports",
    "",
)
UNREADABLE = verdict(
    [SuiteResult("default", 137, TestCounts(3), unreadable=_BROKEN_FILES)],
    "/reports",
    "The forked VM crashed\n",
)
ONE_EMPTY = verdict(
    [SuiteResult("unit", 0, TestCounts(3)), SuiteResult("web", 0, TestCounts())], "/reports", ""
)
