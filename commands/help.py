"""/help: say what can be said."""

from dataclasses import dataclass, replace

from bot.core.language import spelling
from bot.core.language.arguments import arg
from bot.core.language.command import Command, PermissionLevel
from bot.model.outcome import Outcome, Refuse, Reply, Snapshot
from bot.model.reason import Reason
from bot.model.text import Text
from bot.model.views import Help


@dataclass(frozen=True, slots=True)
class Args:
    """Which command to explain; none lists all."""

    command: str | None = arg(
        Text(en="Command to explain, with or without its slash.", zh="要查看的命令，斜杠可写可不写。"),
        parse=str,
        default=None,
        also=("命令",),
    )


def plan(args: Args, now: Snapshot) -> Outcome:
    """Answer with the vocabulary, or with one command of it by any of its names."""
    if args.command is None or not isinstance(now.help, Help):
        return Reply(now.help)
    wanted = args.command.removeprefix("/").casefold()
    names = {name: entry.name for entry in now.help.commands for name in (entry.name, *entry.aliases)}
    if wanted in names:
        return Reply(replace(now.help, detail=names[wanted]))
    suggestion = spelling.nearest(wanted, names)
    facts = {"name": args.command, "suggestion": f"/help {suggestion}" if suggestion else ""}
    return Refuse(Reason.UNKNOWN_COMMAND, facts)


command = Command(
    name="help",
    aliases=("commands", "帮助", "命令"),
    summary=Text(en="List the commands, or explain one.", zh="列出全部命令，或说明其中一个。"),
    permission=PermissionLevel.ANYONE,
    args=Args,
    plan=plan,
    examples=("/help", "/help deploy", "/帮助 部署"),
    order=90,
)
