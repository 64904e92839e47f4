"""/ok-to-test: trust the latest commit of a pull request whose author may not push."""

import re
from dataclasses import dataclass

from bot.core.language.arguments import arg
from bot.core.language.command import Command, PermissionLevel
from bot.model.outcome import Approve, Outcome, Refuse
from bot.model.reason import Reason
from bot.model.snapshot import Snapshot
from bot.model.text import Text

_SHA = re.compile(r"[0-9a-f]{7,40}")


def commit(text: str) -> str:
    """Parse a commit hash or its first digits, at least 7; raise ValueError otherwise."""
    lowered = text.lower()
    if _SHA.fullmatch(lowered) is None:
        raise ValueError(text)
    return lowered


@dataclass(frozen=True, slots=True)
class Args:
    """Which commit was reviewed."""

    sha: str | None = arg(
        Text(
            en="The commit that you reviewed, at least 7 digits; by default the latest one.",
            zh="你审查过的提交，至少 7 位；省略时为最新提交。",
        ),
        parse=commit,
        default=None,
        expected="a1b2c3d",
        also=("commit", "提交"),
    )


def plan(args: Args, now: Snapshot) -> Outcome:
    """Approve the latest commit, unless the argument names another one."""
    if args.sha is not None and not now.sha.startswith(args.sha):
        return Refuse(Reason.COMMIT_NAMED_WRONG, {"named": args.sha, "now": now.sha})
    if now.trusted:
        return Refuse(Reason.ALREADY_TRUSTED, {"author": now.pull.author})
    return Approve(now.sha)


command = Command(
    name="ok-to-test",
    aliases=("允许测试", "同意测试"),
    summary=Text(
        en="Allow the code of an outside contributor to run, for this commit only. Review the changes first.",
        zh="允许运行外部贡献者的代码，仅对当前提交有效。请先看过改动再放行。",
    ),
    permission=PermissionLevel.WRITE,
    args=Args,
    plan=plan,
    examples=("/ok-to-test", "/ok-to-test a1b2c3d", "/允许测试"),
    order=80,
    runs_code=True,
    approves=True,
)
