from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product

import pytest

from bot.core.admission.gate import known, refusal
from bot.core.admission.permissions import Rule
from bot.core.language.command import AnyCommand, Command, NoArguments, PermissionLevel
from bot.model.forge import Permission, PullState
from bot.model.outcome import Ignore, Outcome, Refuse
from bot.model.reason import Reason
from bot.model.snapshot import Snapshot
from bot.model.text import Text
from tests.fakes.snapshots import COMMANDS, OLD, REPO, SHA, policy_of, pull_request, snapshot


def plan(_: NoArguments, __: Snapshot) -> Outcome:
    return Ignore("a test's")


def command(*, runs_code: bool, approves: bool = False) -> Command[NoArguments]:
    return Command(
        name="act",
        summary=Text("", ""),
        permission=PermissionLevel.WRITE,
        args=NoArguments,
        plan=plan,
        runs_code=runs_code,
        approves=approves,
    )


def rule_for(act: AnyCommand, rules: Mapping[str, PermissionLevel | Rule]) -> Rule:
    return policy_of(rules).rule(act, REPO)


@dataclass(frozen=True, slots=True)
class Case:
    """One combination of all inputs of the gate."""

    level: PermissionLevel
    permission: Permission
    author: bool
    fork: bool
    trusted: bool
    runs_code: bool
    state: PullState
    seen: str | None

    def decided(self) -> Refuse | None:
        """Return the gate's refusal for a case, or None."""
        facts = snapshot(
            actor="MEI" if self.author else "lin",
            trusted=self.trusted,
            pull=pull_request(fork=self.fork, state=self.state),
        )
        return refusal(
            command(runs_code=self.runs_code),
            Rule(self.level),
            facts,
            permission=self.permission,
            seen=self.seen,
        )

    @property
    def may_ever(self) -> bool:
        """Whether this person is permitted if the commit is trusted."""
        enough = {
            PermissionLevel.ANYONE: Permission.NONE,
            PermissionLevel.CONTRIBUTOR: Permission.NONE if self.author else Permission.WRITE,
            PermissionLevel.WRITE: Permission.WRITE,
            PermissionLevel.ADMIN: Permission.ADMIN,
        }
        return self.permission >= enough[self.level]

    @property
    def waits_for_trust(self) -> bool:
        """Whether only trust is missing, to run the code or for its author to be a contributor."""
        counts_as_author = self.level is PermissionLevel.CONTRIBUTOR and self.permission < Permission.WRITE
        return not self.trusted and (self.runs_code or counts_as_author)


def cases() -> Iterator[Case]:
    flags = (True, False)
    heads = (SHA, OLD, None)
    return (
        Case(*values)
        for values in product(PermissionLevel, Permission, flags, flags, flags, flags, PullState, heads)
    )


def test_every_combination() -> None:
    """Check level, permission, author, fork, trust, running code, state and head in the order of refusals."""
    for case in cases():
        refused = case.decided()
        reason = refused.reason if refused else None
        if not case.may_ever:
            expected: Reason | None = Reason.NOT_ALLOWED
        elif case.runs_code and case.state is not PullState.OPEN:
            expected = Reason.PULL_CLOSED
        elif case.waits_for_trust:
            expected = Reason.NOT_TRUSTED
        elif case.runs_code and case.seen == OLD:
            expected = Reason.HEAD_MOVED
        else:
            expected = None
        assert reason is expected, case


def test_no_untrusted_code_is_ever_run_by_command() -> None:
    for case in cases():
        if case.runs_code and not case.trusted:
            assert case.decided() is not None, case


@pytest.mark.parametrize(
    ("facts", "permission", "expected"),
    [
        (snapshot(actor="lin", trusted=False), Permission.WRITE, True),
        (snapshot(actor="lin"), Permission.READ, False),
        (snapshot(actor="mei"), Permission.NONE, True),
        (snapshot(actor="mei", trusted=False), Permission.NONE, False),
    ],
)
def test_strangers_have_neither_write_access_nor_a_trusted_commit(
    facts: Snapshot, permission: Permission, *, expected: bool
) -> None:
    assert known(facts, permission) is expected


def test_refusals_carry_their_facts() -> None:
    act = command(runs_code=True)
    untrusted = snapshot(trusted=False, pull=pull_request(fork=True, author="stranger"))
    closed = snapshot(pull=pull_request(state=PullState.MERGED))

    def decided(facts: Snapshot, permission: Permission = Permission.WRITE, seen: str = SHA) -> Refuse | None:
        return refusal(act, Rule(PermissionLevel.WRITE), facts, permission=permission, seen=seen)

    assert decided(snapshot(), Permission.READ) == Refuse(
        Reason.NOT_ALLOWED, {"who": "lin", "command": "act", "level": "write"}
    )
    assert decided(closed) == Refuse(Reason.PULL_CLOSED, {"command": "act"})
    assert decided(untrusted) == Refuse(
        Reason.NOT_TRUSTED, {"author": "stranger", "sha": SHA, "approve": f"/ok-to-test {SHA}"}
    )
    assert decided(snapshot(), seen=OLD) == Refuse(Reason.HEAD_MOVED, {"seen": OLD, "now": SHA})
    assert decided(snapshot()) is None


@pytest.mark.parametrize(
    ("state", "seen", "reason"),
    [
        (PullState.OPEN, SHA, None),
        (PullState.OPEN, None, None),
        (PullState.OPEN, OLD, Reason.HEAD_MOVED),
        (PullState.CLOSED, SHA, Reason.PULL_CLOSED),
    ],
)
def test_an_approval_needs_the_seen_commit_and_no_trust(
    state: PullState, seen: str | None, reason: Reason | None
) -> None:
    facts = snapshot(trusted=False, pull=pull_request(fork=True, state=state))

    refused = refusal(
        command(runs_code=True, approves=True),
        Rule(PermissionLevel.WRITE),
        facts,
        permission=Permission.WRITE,
        seen=seen,
    )

    assert (refused.reason if refused else None) is reason


@pytest.mark.parametrize("level", PermissionLevel)
def test_no_policy_lets_an_author_without_write_approve_himself(level: PermissionLevel) -> None:
    approve = command(runs_code=True, approves=True)
    own = snapshot(actor="mei", trusted=False, pull=pull_request(fork=True))

    for permission in (Permission.NONE, Permission.READ):
        refused = refusal(approve, rule_for(approve, {"act": level}), own, permission=permission, seen=SHA)
        assert refused is not None
        assert refused.reason is Reason.NOT_ALLOWED


def test_the_operators_level_replaces_the_commands_own() -> None:
    act = command(runs_code=True)

    assert rule_for(act, {}).level is PermissionLevel.WRITE
    assert rule_for(act, {"other": PermissionLevel.ADMIN}).level is PermissionLevel.WRITE
    assert rule_for(act, {"act": PermissionLevel.ANYONE}).level is PermissionLevel.ANYONE
    approve = command(runs_code=True, approves=True)
    assert rule_for(approve, {"act": PermissionLevel.ADMIN}).level is PermissionLevel.ADMIN


@pytest.mark.parametrize("known", COMMANDS, ids=lambda known: known.name)
def test_without_write_permission_only_the_author_of_a_trusted_commit_runs_code(known: AnyCommand) -> None:
    if known.runs_code or known.automatic:
        assert known.permission is not PermissionLevel.ANYONE
    if known.approves:
        assert (known.runs_code, known.permission) == (True, PermissionLevel.WRITE)


def test_one_command_approves() -> None:
    assert [known.name for known in COMMANDS if known.approves] == ["ok-to-test"]
