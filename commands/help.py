"""/help: list the commands, or explain one."""

from dataclasses import dataclass

from bot.core.language import spelling
from bot.core.language.arguments import arg
from bot.core.language.command import Command, PermissionLevel
from bot.model.outcome import Outcome, Refuse, Reply
from bot.model.reason import Reason
from bot.model.snapshot import Fact, Snapshot
from bot.model.text import Text
from bot.model.views import Message


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
    """Reply with all commands, or with the one that has the given name or alias."""
    if args.command is None:
        on = now.pipeline.on
        automatic = {"open": on.open, "update": on.update, "close": on.close}
        return Reply(Message("help", {"commands": tuple(now.commands.values()), "automatic": automatic}))
    wanted = args.command.removeprefix("/").casefold()
    names = {name: entry for entry in now.commands.values() for name in (entry.name, *entry.aliases)}
    if wanted in names:
        return Reply(Message("help_command", {"command": names[wanted]}))
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
    needs=(Fact.COMMANDS,),
    examples=("/help", "/help deploy", "/帮助 部署"),
    order=90,
)
