"""/logs: quote the end of a step's log, or of a service's output."""

from dataclasses import dataclass

from bot.core.language.arguments import arg
from bot.core.language.command import Command, PermissionLevel
from bot.model.outcome import Outcome, Refuse, Reply
from bot.model.plan import Deploy
from bot.model.reason import Reason
from bot.model.run import StepState
from bot.model.service_log import ServiceLog
from bot.model.snapshot import Fact, LogTail, Snapshot
from bot.model.text import Text
from bot.model.views import Message

_CHINESE = {"构建": "build", "部署": "deploy", "测试": "test", "清理": "teardown"}


DEPLOYED = "app"
"""What runners call the deployed service."""


def step(text: str) -> str:
    """Return the name of a step that is given in English or Chinese."""
    return _CHINESE.get(text, text.casefold())


@dataclass(frozen=True, slots=True)
class Args:
    """Which log; none means the failed step of the newest run, otherwise its last step."""

    name: str | None = arg(
        Text(
            en="Step (build, deploy, test or teardown) whose log to show, or service whose output to show,"
            " such as `db`. Without it, the failed step of the latest run, or its last one.",
            zh="要查看日志的步骤（构建、部署、测试或清理），或要查看输出的服务，例如 `db`；"
            "省略时为最近一次运行中失败的步骤，没有失败则为最后一步。",
        ),
        parse=step,
        default=None,
        also=("step", "service", "步骤", "服务"),
    )


def plan(args: Args, now: Snapshot) -> Outcome:
    """Reply with the newest log of the step, or the latest output of the service, and a link to all of it."""
    found = now.logs.get(args.name) if args.name else _default(tuple(now.logs.values()))
    if found is not None:
        return _of_step(found, now)
    if args.name and (service := _service(args.name, now)):
        return _of_service(service, now)
    if args.name and now.unread:
        return now.unread
    known = ", ".join((*now.logs, *now.service_logs))
    return Refuse(Reason.NO_LOG, {"name": args.name or "", "known": known})


def _service(name: str, now: Snapshot) -> ServiceLog | None:
    """Return the output of a service by its name, or of the deployed one by another of its hostnames."""
    known = now.service_logs
    return known.get(name) or (known.get(DEPLOYED) if name in now.pipeline.deploy.aliases else None)


def _of_step(found: LogTail, now: Snapshot) -> Reply:
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


def _of_service(found: ServiceLog, now: Snapshot) -> Reply:
    environments = (step.environment for step in found.run.plan.steps if isinstance(step, Deploy))
    facts = {
        "run": found.run.id,
        "sha": found.run.sha,
        "service": found.name,
        "environment": next(environments, ""),
        "removed": found.kept,
        "text": "" if now.settings.brief else found.text,
        "page": now.settings.addresses.services(found.run, found.name),
        "brief": now.settings.brief,
    }
    return Reply(Message("service_log", facts))


def _default(logs: tuple[LogTail, ...]) -> LogTail | None:
    newest = max((log.run.id for log in logs), default=0)
    candidates = [log for log in logs if log.run.id == newest]
    failed = [log for log in candidates if log.step.state in {StepState.FAILED, StepState.BROKEN}]
    return next(iter(failed or candidates[-1:]), None)


command = Command(
    name="logs",
    aliases=("log", "日志"),
    summary=Text(
        en="Show the end of a step's log or of a service's output, with a link to more.",
        zh="查看某个步骤的日志或某个服务输出的末尾，并给出完整内容的链接。",
    ),
    permission=PermissionLevel.CONTRIBUTOR,
    args=Args,
    plan=plan,
    needs=(Fact.LOGS, Fact.SERVICE_LOGS),
    examples=("/logs", "/logs test", "/logs db", "/日志 构建"),
    order=72,
)
