"""Why a test step failed through its suites: it is not retried."""

from collections.abc import Mapping
from typing import Final

from bot.model.reason import Reason
from bot.model.text import Text
from bot.words.sentence import Wording

SUITES: Final[Mapping[Reason, Wording]] = {
    Reason.TESTS_FAILED: Wording(
        Text(en="{failed} of {total} tests failed.", zh="{total} 个测试中有 {failed} 个失败。"),
    ),
    Reason.TESTS_EXITED: Wording(
        Text(
            en="The report lists no failed test, but the tests exited with code {code}, which counts as"
            " a failure.",
            zh="报告里没有失败的测试，但测试进程的退出码是 {code}，因此按失败处理。",
        ),
    ),
    Reason.NO_REPORT: Wording(
        Text(
            en="The tests exited with code {code} and wrote no JUnit report to {path}.",
            zh="测试以退出码 {code} 结束，但在 {path} 没有找到 JUnit 报告。",
        ),
        advice=Text(
            en="Have the tests write JUnit XML to the path in the environment variable `JUNIT_PATH`.",
            zh="请让测试把 JUnit XML 写到环境变量 `JUNIT_PATH` 指定的位置。",
        ),
    ),
    Reason.REPORT_UNREADABLE: Wording(
        Text(
            en="The test report {path} cannot be read: {message}.", zh="测试报告 {path} 无法读取：{message}。"
        ),
    ),
    Reason.REPORT_CUT: Wording(
        Text(
            en="Reading the test report {paths} takes more than {seconds} of processor time, {limit} of"
            " memory or {total} elements, so only a part of the cases counts.",
            zh="读取测试报告 {paths} 需要的 CPU 时间超过 {seconds}，或内存超过 {limit}，"
            "或元素超过 {total} 个，因此只计入了部分用例。",
        ),
        advice=Text(
            en="Split the suite, or have it report fewer cases and less output.",
            zh="请拆分测试套件，或减少报告中的用例和输出。",
        ),
    ),
    Reason.NO_TESTS: Wording(
        Text(
            en="There are no tests to run: the Dockerfile has no `test` stage, and the configuration"
            " sets no test command.",
            zh="没有可运行的测试：Dockerfile 没有 `test` 阶段，配置里也没有测试命令。",
        ),
    ),
}
