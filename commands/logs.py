"""/logs: quote the end of a step's log."""

from dataclasses import dataclass

from bot.core.language.arguments import arg
from bot.core.language.command import Command, PermissionLevel
from bot.model.outcome import Outcome, Refuse, Reply
from bot.model.reason import Reason
from bot.model.run import StepState
from bot.model.snapshot import Fact, LogTail, Snapshot
from bot.model.text import Text
from bot.model.views import Message

_CHINESE = {"构建": "build", "部署": "deploy", "测试": "test", "清理": "teardown"}


def step(text: str) -> str:
    """Return the name of a step that is given in English or Chinese."""
    return _CHINESE.get(text, text.casefold())


@dataclass(frozen=True, slots=True)
class Args:
    """Which log; none means the failed step of the newest run, otherwise its last step."""

    step: str | None = arg(
        Text(
            en="Step whose log to show: build, deploy, test or teardown. Without it, the failed step of the"
            " latest run, or its last one.",
            zh="要查看日志的步骤：构建、部署、测试或清理；省略时为最近一次运行中失败的步骤，没有失败则为最后一步。",
        ),
        parse=step,
        default=None,
        also=("步骤",),
    )


def plan(args: Args, now: Snapshot) -> Outcome:
    """Reply with the newest log of the step, and a link to all of it."""
    found = now.logs.get(args.step) if args.step else _default(tuple(now.logs.values()))
    if found is None:
        return Refuse(Reason.NO_LOG, {"name": args.step or "", "known": ", ".join(now.logs)})
    facts = {
        "run": found.run.id,
        "sha": found.run.sha,
        "step": found.step.name,
        "state": found.step.state,
        "text": found.text,
        "page": now.settings.addresses.log(found.run, found.step.name),
        "brief": now.settings.brief,
    }
    return Reply(Message("logs", facts))


def _default(logs: tuple[LogTail, ...]) -> LogTail | None:
    newest = max((log.run.id for log in logs), default=0)
    candidates = [log for log in logs if log.run.id == newest]
    failed = [log for log in candidates if log.step.state in {StepState.FAILED, StepState.BROKEN}]
    return next(iter(failed or candidates[-1:]), None)


command = Command(
    name="logs",
    aliases=("log", "日志"),
    summary=Text(
        en="Show the end of a step's log, with a link to the whole log.",
        zh="查看某个步骤的日志末尾，并给出完整日志的链接。",
    ),
    permission=PermissionLevel.CONTRIBUTOR,
    args=Args,
    plan=plan,
    needs=(Fact.LOGS,),
    examples=("/logs", "/logs test", "/日志 构建"),
    order=72,
)
