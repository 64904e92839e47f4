"""/retest: run the last tests again, or only those that failed."""

from dataclasses import dataclass, replace

from bot.core.deciding import planning
from bot.core.language.arguments import arg, environment, word
from bot.core.language.command import Command, PermissionLevel
from bot.model.observed import Effect
from bot.model.outcome import Outcome, Refuse, StartRun
from bot.model.plan import Suite, Test
from bot.model.reason import Reason
from bot.model.run import StepResult, StepState
from bot.model.snapshot import Fact, Snapshot
from bot.model.text import Text


@dataclass(frozen=True, slots=True)
class Args:
    """All tests, or only the failed ones."""

    failed: bool = arg(
        Text(en="Only the tests that failed last time.", zh="只运行上次失败的测试。"),
        parse=word("failed", "失败", "失败的"),
        default=False,
        expected="failed",
    )
    env: str | None = environment(
        Text(
            en="Environment to test; by default the one that was deployed last.",
            zh="要测试的环境，省略时为最近部署的环境。",
        ),
        keyword=True,
    )


_RAN = {StepState.PASSED, StepState.FAILED}


def plan(args: Args, now: Snapshot) -> Outcome:
    """Run the suites of the last tests again, at the latest commit."""
    suites = _failed(now) if args.failed else _same(now)
    if args.failed and not suites:
        return Refuse(Reason.NOTHING_FAILED)
    unknown = planning.unknown_environment(args.env, planning.environment_names(now.pipeline))
    return unknown or StartRun(planning.to_test(now, suites, args.env or planning.last_deployed(now)))


def _same(now: Snapshot) -> tuple[Suite, ...]:
    """Return the suites of the last tests as configured now, or all if none of them is configured."""
    configured = planning.all_suites(now.pipeline)
    last = _last_test(now)
    wanted = {suite.name for suite in last[0].suites} if last else set()
    return tuple(suite for suite in configured if suite.name in wanted) or configured


def _failed(now: Snapshot) -> tuple[Suite, ...]:
    """Return the suites that failed last time, each with the names of the failed tests.

    A result does not say which suite a test belongs to: each suite gets all names and picks its own.
    """
    last = _last_test(now)
    if last is None:
        return ()
    _, result = last
    return tuple(
        replace(suite, failed=result.failed_tests)
        for suite in planning.all_suites(now.pipeline)
        if suite.name in result.failed_suites
    )


def _last_test(now: Snapshot) -> tuple[Test, StepResult] | None:
    """Return the test step of the newest run that is over and whose tests ran to their end."""
    for run in now.runs.values():
        for step, record in zip(run.plan.steps, run.steps, strict=False):
            if run.state.final and isinstance(step, Test) and record.result and record.state in _RAN:
                return step, record.result
    return None


command = Command(
    name="retest",
    aliases=("rerun", "重测", "重新测试"),
    summary=Text(
        en="Run the last tests again at the latest commit, or only those that failed.",
        zh="在最新提交上重新运行上次的测试，或只运行上次失败的测试。",
    ),
    permission=PermissionLevel.CONTRIBUTOR,
    args=Args,
    plan=plan,
    needs=(*planning.NEEDS, Fact.RUNS),
    examples=("/retest", "/retest failed", "/重测 失败"),
    overtaken_by=frozenset({Effect.TESTS, Effect.STOP}),
    order=40,
    environment=lambda args: args.env,
    runs_code=True,
)
