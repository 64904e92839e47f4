"""Generates the table of commands in the READMEs."""

from collections.abc import Sequence

from bot.core.admission.permissions import Policy
from bot.core.language.catalog import command_help
from bot.core.language.command import AnyCommand
from bot.model.text import Language, Text
from bot.model.views import CommandHelp
from bot.words.names import PERMISSIONS

BEGIN, END = "<!-- commands -->", "<!-- /commands -->"

_HEADINGS = Text(
    en="| Command | What it does | Who | Also |\n|---|---|---|---|",
    zh="| 命令 | 作用 | 谁可以用 | 别名 |\n|---|---|---|---|",
)


def commands_table(commands: Sequence[AnyCommand], language: Language) -> str:
    """Return the table of all commands in Markdown."""
    rows = (_row(command_help(command, Policy()), language) for command in commands)
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
    permission = PERMISSIONS[command.permission[0]].say(language)
    return f"| `{usage}` | {command.summary.say(language)} | {permission} | {aliases} |"
