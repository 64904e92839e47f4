"""The operator's rules: who may use a command, in which repositories and on which environments."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace

from bot.core.admission import served, trust
from bot.core.language.command import AnyCommand, PermissionLevel
from bot.model.forge import Permission, RepoPath


@dataclass(frozen=True, slots=True)
class Rule:
    """Who may do something: everyone whom one of the alternatives fits."""

    level: PermissionLevel | None = None
    people: tuple[str, ...] = ()
    """Logins of people, whatever their permission in the repository is."""
    owners: bool = False
    """Whether the approvers in the base branch's OWNERS may, likewise."""
    least: Permission = Permission.NONE
    """The permission that everyone needs as well."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody at a pull request, with what rules depend on."""

    login: str
    permission: Permission
    is_author: bool = False
    """Whether this is the author of the pull request."""
    is_owner: bool = False
    """Whether the base branch's OWNERS names them as an approver."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line under `[permissions]`."""

    command: str
    rule: Rule
    environment: str = ""
    """Name of the only environment that it is about; empty for a command as such."""
    pattern: str = ""
    """Pattern of the only repositories that it is about; empty for all."""
    source: str = ""
    """Where it is set, such as `chatops.toml:12: permissions.deploy`."""


@dataclass(frozen=True, slots=True)
class Policy:
    """All entries, in the order in which they are set. The last one that applies decides."""

    entries: tuple[Entry, ...] = ()

    def rule(self, command: AnyCommand, repo: RepoPath | None, environment: str = "") -> Rule:
        """Return the rule for a command, on an environment if it names one.

        An entry for the environment comes before those for the command as such, whose place it takes; without
        either, the command's own level counts. Without `repo`, only entries for all repositories count. A
        command that approves commits never requires less than write access: otherwise outside contributors
        could approve their own code.
        """
        found = self.own_rule(command.name, environment, repo) if environment else None
        found = found or self.own_rule(command.name, "", repo) or Rule(command.permission)
        return _approving(found) if command.approves else found

    def own_rule(self, command: str, environment: str, repo: RepoPath | None) -> Rule | None:
        """Return the rule of the last entry for exactly this command and environment; None without one."""
        found = [
            entry.rule
            for entry in self.entries
            if (entry.command, entry.environment) == (command, environment) and _applies(entry, repo)
        ]
        return found[-1] if found else None

    def environments(self, command: AnyCommand, repo: RepoPath | None) -> dict[str, Rule]:
        """Return the rules of a command for single environments, by their names."""
        named = {entry.environment for entry in self.entries if entry.command == command.name} - {""}
        found = {name: self.own_rule(command.name, name, repo) for name in sorted(named)}
        return {name: rule for name, rule in found.items() if rule is not None}

    def asks_owners(self, commands: Collection[str], repo: RepoPath) -> bool:
        """Return whether OWNERS can matter for these commands, which may reach any environment."""
        return any(
            entry.rule.owners and (entry.environment or entry.command in commands) and _applies(entry, repo)
            for entry in self.entries
        )


def fits(rule: Rule, person: Person, *, trusted: bool) -> bool:
    """Return whether a person is one of those whom a rule is for; `trusted` is about the latest commit."""
    return person.permission >= rule.least and (
        (rule.level is not None and _has_level(rule.level, person, trusted=trusted)) or is_named(rule, person)
    )


def is_named(rule: Rule, person: Person) -> bool:
    """Return whether a rule is for a person by name or by OWNERS."""
    return (rule.owners and person.is_owner) or is_among(person.login, rule.people)


def is_among(login: str, logins: Collection[str]) -> bool:
    """Return whether a login is one of these."""
    return any(trust.same_person(login, one) for one in logins)


def described(rule: Rule, owners: Sequence[str], most: int) -> Iterator[str]:
    """Yield the alternatives of a rule as `bot/words/names.py` names them, and `@login` for people.

    At most `most` people are named; `owners` are the approvers in OWNERS.
    """
    if rule.level is not None:
        yield str(rule.level)
    yield from (f"@{login}" for login in rule.people[:most])
    if rule.people[most:]:
        yield "others"
    if rule.owners:
        yield "owners" if owners else "no_owners"


def _approving(rule: Rule) -> Rule:
    level = rule.level.at_least(PermissionLevel.WRITE) if rule.level else None
    return replace(rule, level=level, least=Permission.WRITE)


def _has_level(level: PermissionLevel, person: Person, *, trusted: bool) -> bool:
    return trust.permitted(level, permission=person.permission, is_author=person.is_author, trusted=trusted)


def _applies(entry: Entry, repo: RepoPath | None) -> bool:
    return not entry.pattern or (repo is not None and served.matches(entry.pattern, repo))
