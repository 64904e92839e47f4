"""/ok-to-test: trust the latest commit of a pull request that others than writers may have pushed."""

import re
from dataclasses import dataclass

from bot.core.admission import trust
from bot.core.language.arguments import arg
from bot.core.language.command import Command, PermissionLevel
from bot.model.observed import Effect
from bot.model.outcome import Approve, Outcome, Refuse, Revoke
from bot.model.reason import Reason
from bot.model.snapshot import Fact, Snapshot
from bot.model.text import Text

REVOKE = "revoke"

_SHA = re.compile(r"[0-9a-f]{7,64}")
_WORDS = frozenset({REVOKE, "撤回", "撤销"})


def commit(text: str) -> str:
    """Parse a commit id or `revoke`; raise ValueError otherwise.

    Abbreviated ids, of at least 7 digits, are parsed so that the refusal can show the whole line.
    """
    lowered = text.lower()
    if lowered in _WORDS:
        return REVOKE
    if _SHA.fullmatch(lowered) is None:
        raise ValueError(text)
    return lowered


@dataclass(frozen=True, slots=True)
class Args:
    """Which commit was reviewed."""

    sha: str | None = arg(
        Text(
            en="The whole id of the commit that you reviewed; or `revoke`, which revokes all approvals of"
            " this pull request and stops what runs because of them.",
            zh="你审查过的提交的完整提交号；写 `revoke` 则撤销此 PR 的全部放行，并停止由此产生的运行。",
        ),
        parse=commit,
        default=None,
        expected="a commit id of 40 digits, revoke",
        also=("commit", "提交"),
    )


def plan(args: Args, now: Snapshot) -> Outcome:
    """Approve the latest commit if it is certain that it was reviewed, or revoke approvals."""
    if args.sha == REVOKE:
        approved = now.approvals or (now.trusted and not now.writers_only)
        return Revoke(now.approvals) if approved else Refuse(Reason.NOTHING_APPROVED)
    facts = {"approve": trust.approve_command(now.sha)}
    if args.sha not in {None, now.sha}:
        named = {"named": args.sha or "", "now": now.sha}
        whole = len(named["named"]) == len(now.sha)
        return Refuse(Reason.COMMIT_NAMED_WRONG if whole else Reason.COMMIT_ABBREVIATED, named | facts)
    if now.trusted:
        return Refuse(Reason.ALREADY_TRUSTED, {"author": now.pull.author})
    if args.sha is None and not now.announced:
        return Refuse(Reason.COMMIT_NOT_NAMED, facts)
    return Approve(now.sha)


command = Command(
    name="ok-to-test",
    aliases=("允许测试", "同意测试"),
    summary=Text(
        en="Allow the code of an outside contributor to run, for this commit and base branch only."
        " Review the changes first.",
        zh="允许运行外部贡献者的代码，仅对当前提交和目标分支有效。请先看过改动再放行。",
    ),
    permission=PermissionLevel.WRITE,
    args=Args,
    plan=plan,
    needs=(Fact.ANNOUNCED,),
    examples=("/ok-to-test", f"/ok-to-test {'a1b2c3d4' * 5}", "/ok-to-test revoke", "/允许测试 撤销"),
    overtaken_by=frozenset({Effect.APPROVAL}),
    order=80,
    runs_code=True,
    approves=True,
    revokes=lambda args: args.sha == REVOKE,
)
