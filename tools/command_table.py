"""Generates the table of commands in the READMEs."""

from collections.abc import Sequence

from bot.core.language.catalogue import command_help
from bot.core.language.command import AnyCommand
from bot.model.text import Language, Text
from bot.model.views import CommandHelp

BEGIN, END = "<!-- commands -->", "<!-- /commands -->"

_HEADINGS = Text(
    en="| Command | What it does | Who | Also |\n|---|---|---|---|",
    zh="| 命令 | 作用 | 谁可以用 | 别名 |\n|---|---|---|---|",
)

_NEEDS = {
    "anyone": Text(en="everybody", zh="所有人"),
    "contributor": Text(
        en="write access, or the author of a trusted PR", zh="有写权限者，或受信任的 PR 的作者"
    ),
    "write": Text(en="write access", zh="有写权限者"),
    "admin": Text(en="administrators", zh="管理员"),
}


def commands_table(commands: Sequence[AnyCommand], language: Language) -> str:
    """Return the table of all commands in Markdown."""
    rows = (_row(command_help(command, {}), language) for command in commands)
    return "\n".join((_HEADINGS.say(language), *rows))


def with_commands(readme: str, table: str) -> str:
    """Return the README with its marked part replaced. Raises ValueError if it has no such part."""
    before, begin, rest = readme.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"no {BEGIN} … {END} to fill")
    return f"{before}{begin}\n{table}\n{end}{after}"


def _row(command: CommandHelp, language: Language) -> str:
    aliases = " ".join(f"`/{alias}`" for alias in command.aliases)
    usage = command.usage.replace("|", "\\|")
    return (
        f"| `{usage}` | {command.summary.say(language)} | {_NEEDS[command.needs].say(language)} | {aliases} |"
    )
