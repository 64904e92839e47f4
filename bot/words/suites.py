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
            en="The tests exited with code {code} and wrote no test report to {path}.",
            zh="测试以退出码 {code} 结束，但在 {path} 没有找到测试报告。",
        ),
        advice=Text(
            en="Have the tests write JUnit XML to the path in the environment variable `JUNIT_PATH`.",
            zh="请让测试把 JUnit XML 写到环境变量 `JUNIT_PATH` 指定的位置。",
        ),
    ),
    Reason.REPORT_UNREADABLE: Wording(
        Text(
            en="The test report {path} cannot be read: {message}. The tests exited with code {code}.",
            zh="测试报告 {path} 无法读取：{message}。测试进程的退出码是 {code}。",
        ),
        without=Text(
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
    Reason.NO_TEST_RAN: Wording(
        Text(
            en="No test ran: the report in {path} lists none that was executed, and the tests exited with"
            " code {code}.",
            zh="没有运行任何测试：{path} 的报告里没有执行过的用例，测试进程的退出码是 {code}。",
        ),
    ),
    Reason.NOTHING_TESTED: Wording(
        Text(
            en="Nothing was tested: the stage {target} has no RUN, CMD or ENTRYPOINT of its own, and the"
            " configuration sets no test command.",
            zh="没有测试任何内容：{target} 阶段自己没有 RUN、CMD 或 ENTRYPOINT，配置里也没有测试命令。",
        ),
        advice=Text(
            en="Give the stage a CMD that runs the tests, or set `test.command`.",
            zh="请在该阶段写一条运行测试的 CMD，或设置 `test.command`。",
        ),
    ),
    Reason.TESTED_BY_BUILD: Wording(
        Text(
            en="The tests ran while the stage {target} was built; it has no CMD of its own, so it was not"
            " started.",
            zh="测试在构建 {target} 阶段时已经运行；该阶段没有自己的 CMD，因此没有启动容器。",
        ),
    ),
}

SUITE_NOTES: Final[Mapping[str, Wording]] = {
    str(Reason.REPORT_UNREADABLE): SUITES[Reason.REPORT_UNREADABLE],
    "not_a_test_report": Wording(
        Text(
            en="Found {paths}, but no test report: the bot reads JUnit, NUnit 3, xUnit and TRX.",
            zh="找到了 {paths}，但不是测试报告：机器人读取 JUnit、NUnit 3、xUnit 和 TRX。",
        )
    ),
    "suites_without_tests": Wording(
        Text(en="No test ran in {names}.", zh="{names} 没有运行任何测试。"),
    ),
}
"""Notes of test steps, by their codes."""
