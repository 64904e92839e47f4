"""The commands as people see them in help, and the names that configuration may use."""

from collections.abc import Iterable, Mapping

from bot.core.admission import permissions
from bot.core.admission.permissions import Entry, Policy, Rule
from bot.core.language import spelling
from bot.core.language.command import AnyCommand
from bot.model.forge import RepoPath
from bot.model.pipeline import Pipeline
from bot.model.views import ArgumentHelp, CommandHelp


def names(commands: Iterable[AnyCommand]) -> frozenset[str]:
    """Return the names and aliases that `on:` in a repository's configuration may use."""
    return frozenset(name for command in commands if command.automatic for name in command.names)


def misnamed(entries: Iterable[Entry], commands: Iterable[AnyCommand]) -> tuple[str, ...]:
    """Return the problems of the operator's entries with the names of commands; aliases do not count."""
    known = {command.name: command for command in commands}
    return tuple(
        f"{entry.source}: {problem}" for entry in entries if (problem := _problem(entry, known)) is not None
    )


def _problem(entry: Entry, known: Mapping[str, AnyCommand]) -> str | None:
    if entry.command not in known:
        guess = spelling.nearest(entry.command, known)
        hint = f'did you mean "{guess}"?' if guess else f"the commands are {', '.join(known)}"
        return f"unknown command {entry.command}; {hint}"
    if entry.environment and known[entry.command].environment is None:
        takers = ", ".join(name for name, command in known.items() if command.environment is not None)
        return f"{entry.command} takes no environment; these do: {takers}"
    return None


def offered(
    commands: Iterable[AnyCommand], policy: Policy, pipeline: Pipeline, repo: RepoPath
) -> dict[str, CommandHelp]:
    """Return by name the commands that have something to do in a repository with this configuration."""
    usable = [command for command in commands if command.offered(pipeline)]
    return {command.name: command_help(command, policy, repo) for command in usable}


def command_help(command: AnyCommand, policy: Policy, repo: RepoPath | None = None) -> CommandHelp:
    """Return one command as the help comment, the README and the web page show it.

    Without `repo`, only the rules for all repositories count.
    """
    return CommandHelp(
        name=command.name,
        aliases=command.aliases,
        usage=command.usage,
        summary=command.summary,
        permission=_described(policy.rule(command, repo)),
        arguments=tuple(
            ArgumentHelp(argument.name, argument.usage, argument.declaration.text)
            for argument in command.arguments
        ),
        examples=command.examples,
        environments={name: _described(rule) for name, rule in policy.environments(command, repo).items()},
    )


def _described(rule: Rule) -> tuple[str, ...]:
    # Whom OWNERS names is not read for a list of commands.
    return tuple(permissions.described(rule, ("",), len(rule.people)))
