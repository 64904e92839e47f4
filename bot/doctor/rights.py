"""Compares what the bot's account may do in a repository with what the bot needs there."""

from collections import Counter
from collections.abc import Iterator, Sequence

from bot.doctor.findings import Finding, fine, note, wrong
from bot.gitee.rights import Read, Rights
from bot.model.forge import Permission, RepoPath
from bot.model.text import Text

LOST = {
    Read.REPOSITORY: Text(
        en="it cannot read .chatops.yml and the code, so nothing runs",
        zh="无法读取 .chatops.yml 和代码，不会执行任何运行",
    ),
    Read.PULLS: Text(
        en="it cannot read pull requests, so no event and no command is handled",
        zh="无法读取 PR，不会处理任何事件和命令",
    ),
    Read.COMMENTS: Text(
        en="it cannot read comments, so no command is handled",
        zh="无法读取评论，不会处理任何命令",
    ),
}
"""What is off without a right."""
LEVELS = {
    Permission.READ: Text(en="read", zh="只读"),
    Permission.WRITE: Text(en="developer", zh="开发者"),
    Permission.ADMIN: Text(en="administrator", zh="管理员"),
}
UNKNOWABLE = fine(
    en="Gitee does not report the scopes of a token: reading was tried; whether it may write comments (scope"
    " notes) shows with its first comment",
    zh="Gitee 不提供令牌的权限范围：已尝试读取；能否写评论（notes）要到它第一次评论时才知道",
)


def findings(rights: Rights) -> Iterator[Finding]:
    """Yield what is off in a repository, or that nothing is."""
    if rights.level is Permission.NONE:
        yield invisible(rights.repo)
        return
    problems = [*_refused(rights), *_level(rights)]
    yield from problems or [readable(rights)]


def together(found: Sequence[Rights]) -> Iterator[Finding]:
    """Yield what is off in many repositories, and one line for all in which nothing is."""
    good: list[Rights] = []
    for rights in found:
        if any(problem.advice for problem in findings(rights)):
            yield from findings(rights)
        else:
            good.append(rights)
    if good:
        levels = Counter(one.level for one in good if one.level)
        counted = [(LEVELS[level], count) for level, count in sorted(levels.items(), reverse=True)]
        en = ", ".join(f"{count} as {level.en}" for level, count in counted)
        zh = "、".join(f"{level.zh} {count} 个" for level, count in counted)
        yield fine(
            en=f"repositories matched by a pattern: the token can read {len(good)} ({en})",
            zh=f"与通配符匹配的仓库：令牌可以读取 {len(good)} 个（{zh}）",
        )


def readable(rights: Rights) -> Finding:
    """Return that a repository can be read, and with which level."""
    level = LEVELS[rights.level or Permission.READ]
    en, zh = (
        f"{rights.repo}: the token can read it as {level.en}",
        f"{rights.repo}：令牌可以读取，级别为{level.zh}",
    )
    if Read.COMMENTS in rights.untried:
        en += "; there is no pull request yet, so reading comments was not tried"
        zh += "；还没有 PR，未能尝试读取评论"
    return fine(en=en, zh=zh)


def invisible(repo: RepoPath) -> Finding:
    """Return that the bot cannot see a repository."""
    return wrong(
        Text(en=f"{repo}: does not exist, or the bot cannot see it", zh=f"{repo}：不存在，或机器人无权查看"),
        Text(en="Add the bot to the repository as a developer.", zh="请把机器人加为仓库的开发者。"),
    )


def unmatched(patterns: Sequence[str]) -> Iterator[Finding]:
    """Yield a note for each pattern that matches nothing that the account sees."""
    for pattern in patterns:
        yield note(
            Text(
                en=f"{pattern}: the account has access to no such repository",
                zh=f"{pattern}：机器人账号没有可访问的此类仓库",
            ),
            Text(
                en="Add the bot to the repositories as a developer, or check the pattern in [repos] allow.",
                zh="请把机器人加为这些仓库的开发者，或检查 [repos] allow 中的通配符。",
            ),
        )


def unlisted(en: str, zh: str) -> Finding:
    """Return that some repositories were not checked."""
    return note(
        Text(en=en, zh=zh),
        Text(en="Name others with --repo.", zh="其他仓库请用 --repo 指定。"),
    )


def _refused(rights: Rights) -> Iterator[Finding]:
    for read, message in rights.refused.items():
        lost, repo = LOST[read], rights.repo
        yield wrong(
            Text(en=f"{repo}: {lost.en} ({message})", zh=f"{repo}：{lost.zh}（{message}）"),
            Text(
                en=f"Add the scope {read} to the bot's token, or the bot to the repository as a developer.",
                zh=f"请给机器人的令牌加上 {read} 权限，或把机器人加为仓库的开发者。",
            ),
        )


def _level(rights: Rights) -> Iterator[Finding]:
    repo = rights.repo
    if rights.level is None:
        yield wrong(
            Text(
                en=f"{repo}: it cannot read the permissions of people, so no command is decided",
                zh=f"{repo}：无法读取成员的权限，不会处理任何命令",
            ),
            Text(
                en="Add the bot to the repository as a developer, and the scope projects to its token.",
                zh="请把机器人加为仓库的开发者，并给令牌加上 projects 权限。",
            ),
        )
    elif rights.level is Permission.READ:
        yield note(
            Text(
                en=f"{repo}: the account may only read; Gitee may refuse its comments, and hide code",
                zh=f"{repo}：机器人账号只有读权限，Gitee 可能拒绝它的评论，并隐藏代码",
            ),
            Text(en="Add the bot to the repository as a developer.", zh="请把机器人加为仓库的开发者。"),
        )
