"""The commands as people see them in help, and the names that configuration may use."""

from collections.abc import Iterable, Mapping

from bot.core.admission import gate
from bot.core.language.command import AnyCommand, PermissionLevel
from bot.model.pipeline import Pipeline
from bot.model.views import ArgumentHelp, CommandHelp


def names(commands: Iterable[AnyCommand]) -> frozenset[str]:
    """Return the names and aliases that `on:` in a repository's configuration may use."""
    return frozenset(name for command in commands if command.automatic for name in command.names)


def unknown_levels(policy: Mapping[str, PermissionLevel], commands: Iterable[AnyCommand]) -> tuple[str, ...]:
    """Return the entries of the operator's policy that are not names of commands; aliases do not count."""
    return tuple(sorted(policy.keys() - {command.name for command in commands}))


def offered(
    commands: Iterable[AnyCommand], policy: Mapping[str, PermissionLevel], pipeline: Pipeline
) -> dict[str, CommandHelp]:
    """Return by name the commands that have something to do in a repository with this configuration."""
    return {command.name: command_help(command, policy) for command in commands if command.offered(pipeline)}


def command_help(command: AnyCommand, policy: Mapping[str, PermissionLevel]) -> CommandHelp:
    """Return one command as the help comment, the README and the web page show it."""
    return CommandHelp(
        name=command.name,
        aliases=command.aliases,
        usage=command.usage,
        summary=command.summary,
        permission=str(gate.permission_level(command, policy)),
        arguments=tuple(
            ArgumentHelp(argument.name, argument.usage, argument.declaration.text)
            for argument in command.arguments
        ),
        examples=command.examples,
    )
