"""Opening, changing and closing pull requests, and updating them from git."""

from collections.abc import Iterable
from dataclasses import replace

from playground import git_history, refusals, repositories
from playground.events import PullAction, PullEvent, pull_opened
from playground.forge import OfflineForge
from playground.state import Pull, Repository, User, now

MAX_TEXT = 65_535
"""Largest number of characters in a comment or description, according to Gitee's help."""
_MAX_TITLE = 191


def _checked_title(title: str) -> str:
    if not title.strip():
        raise refusals.bad_request("title is missing")
    if len(title) > _MAX_TITLE:
        raise refusals.invalid(f"标题过长（最多 {_MAX_TITLE} 个字符）")
    return title


def checked_text(text: str) -> str:
    """Return a description or comment. Raises 422 if it is too long."""
    if len(text) > MAX_TEXT:
        raise refusals.invalid(f"Content too long (maximum {MAX_TEXT} characters)")
    return text


async def refresh(forge: OfflineForge, pull: Pull) -> None:
    """Update base sha, counts, `refs/pull/N/head` and `refs/pull/N/MERGE` from the branches."""
    git = forge.git(pull.repository)
    await git.set_ref(f"refs/pull/{pull.number}/head", pull.head_sha)
    pull.base_sha = await git.resolve(f"refs/heads/{pull.base_branch}") or pull.base_sha
    facts = await git_history.pull_facts(git, pull.base_sha, pull.head_sha)
    tree = await git.merged_tree(pull.base_sha, pull.head_sha)
    if tree is None:
        # Gitee has no merge commit for a conflict. An old one could be built by mistake.
        await git.delete_ref(f"refs/pull/{pull.number}/MERGE")
        pull.facts = replace(facts, mergeable=False)
        return
    message = f"Pre Merge pull request !{pull.number} from {pull.author.login}/{pull.head_branch}\n"
    sha = await git.commit_tree(tree, (pull.base_sha, pull.head_sha), pull.author, message)
    await git.set_ref(f"refs/pull/{pull.number}/MERGE", sha)
    pull.facts = replace(facts, merge_commit_sha=sha)


async def fetch_head(forge: OfflineForge, pull: Pull) -> None:
    """Fetch the commits of the head branch from its fork."""
    source = pull.head_repository
    if source is not None and source is not pull.repository:
        target = f"refs/pull/{pull.number}/head"
        await forge.git(pull.repository).fetch(forge.git(source), f"refs/heads/{pull.head_branch}", target)


def _refuse_duplicate(repository: Repository, head: Repository, head_branch: str, base_branch: str) -> None:
    for pull in repository.pulls.values():
        same = (pull.head_repository, pull.head_branch, pull.base_branch) == (head, head_branch, base_branch)
        if same and pull.state == "open":
            raise refusals.bad_request(f"A pull request already exists: !{pull.number}")


async def open_pull(
    forge: OfflineForge,
    repository: Repository,
    head: Repository,
    head_branch: str,
    *,
    by: User,
    title: str,
    body: str = "",
    base_branch: str | None = None,
    draft: bool = False,
) -> Pull:
    """Open a pull request from an existing branch of the repository or of a fork."""
    forge.require(by, "write", head)
    forge.require(by, "read", repository)
    base = base_branch or repository.default_branch
    _refuse_duplicate(repository, head, head_branch, base)
    head_sha = await forge.git(head).resolve(f"refs/heads/{head_branch}")
    base_sha = await forge.git(repository).resolve(f"refs/heads/{base}")
    if head_sha is None or base_sha is None:
        raise refusals.bad_request("源分支或目标分支不存在")
    if head is repository and head_branch == base:
        raise refusals.bad_request("源分支与目标分支相同")
    moment = now()
    pull = Pull(
        id=forge.world.ids.next("pull"), number=max(repository.pulls, default=0) + 1, repository=repository,
        head_repository=head, head_branch=head_branch, head_sha=head_sha, base_branch=base, base_sha=base_sha,
        author=by, title=_checked_title(title), body=checked_text(body), created_at=moment, updated_at=moment,
        updated_by=by, from_fork=head is not repository, draft=draft,
        assignees=list(repository.reviewers), testers=list(repository.testers),
    )  # fmt: skip
    # Stored before the next await, so that two concurrent requests get two numbers.
    repository.pulls[pull.number] = pull
    await fetch_head(forge, pull)
    await refresh(forge, pull)
    forge.announce(*pull_opened(pull))
    return pull


async def head_moved(forge: OfflineForge, pull: Pull, sha: str, by: User) -> None:
    """Update a pull request whose branch moved. This resets its reviews, as on Gitee."""
    await fetch_head(forge, pull)
    pull.head_sha = sha
    pull.reviewed_by.clear()
    pull.tested_by.clear()
    pull.touch(by)
    await refresh(forge, pull)
    forge.announce(PullEvent(pull, by, "update", "source_branch_changed"))


def _may_change(forge: OfflineForge, pull: Pull, by: User) -> None:
    if by is not pull.author:
        forge.require(by, "write", pull.repository)


def _announce(forge: OfflineForge, pull: Pull, by: User, action: PullAction, desc: str | None = None) -> None:
    pull.touch(by)
    forge.announce(PullEvent(pull, by, action, desc))


def close(forge: OfflineForge, pull: Pull, by: User) -> None:
    """Close it without merging. Raises 400 if it is not open, 403 without write access or authorship."""
    _may_change(forge, pull, by)
    if pull.state != "open":
        raise refusals.bad_request("Pull Request 已关闭")
    pull.state, pull.closed_at = "closed", now()
    _announce(forge, pull, by, "close", "close")


async def reopen(forge: OfflineForge, pull: Pull, by: User) -> None:
    """Reopen a closed pull request at the current head of its branch."""
    _may_change(forge, pull, by)
    if pull.state != "closed":
        raise refusals.bad_request("Pull Request 未关闭")
    source = pull.head_repository
    sha = await forge.git(source).resolve(f"refs/heads/{pull.head_branch}") if source else None
    if sha is None:
        raise refusals.bad_request("源分支不存在")
    pull.state, pull.closed_at, pull.head_sha = "open", None, sha
    await fetch_head(forge, pull)
    await refresh(forge, pull)
    _announce(forge, pull, by, "reopen", "reopen")


def edit(
    forge: OfflineForge,
    pull: Pull,
    by: User,
    *,
    title: str | None = None,
    body: str | None = None,
    draft: bool | None = None,
) -> None:
    """Change title, description or draft state; None keeps a value."""
    _may_change(forge, pull, by)
    pull.title = pull.title if title is None else _checked_title(title)
    pull.body = pull.body if body is None else checked_text(body)
    pull.draft = pull.draft if draft is None else draft
    _announce(forge, pull, by, "update", None)


async def retarget(forge: OfflineForge, pull: Pull, by: User, base_branch: str) -> None:
    """Change the branch that it targets. Raises 400 if there is no such branch."""
    _may_change(forge, pull, by)
    if await forge.git(pull.repository).resolve(f"refs/heads/{base_branch}") is None:
        raise refusals.bad_request("目标分支不存在")
    pull.base_branch = base_branch
    await refresh(forge, pull)
    _announce(forge, pull, by, "update", "target_branch_changed")


def set_labels(forge: OfflineForge, pull: Pull, by: User, names: Iterable[str]) -> None:
    """Replace its labels."""
    forge.require(by, "write", pull.repository)
    labels = [repositories.label(forge, pull.repository, name) for name in dict.fromkeys(names)]
    if labels == pull.labels:
        return
    pull.stale_labels, pull.labels = pull.labels, labels
    _announce(forge, pull, by, "update", "update_label")


def approve(forge: OfflineForge, pull: Pull, by: User, *, force: bool = False) -> None:
    """Pass the review. Raises 403 except for assigned reviewers; `force` requires an administrator."""
    _approve(forge, pull, by, pull.assignees, pull.reviewed_by, force=force)
    _announce(forge, pull, by, "approved")


def pass_test(forge: OfflineForge, pull: Pull, by: User, *, force: bool = False) -> None:
    """Pass the manual test. Raises 403 except for assigned testers; `force` requires an administrator."""
    _approve(forge, pull, by, pull.testers, pull.tested_by, force=force)
    _announce(forge, pull, by, "tested")


def _approve(
    forge: OfflineForge, pull: Pull, by: User, asked: list[User], given: set[str], *, force: bool
) -> None:
    if force:
        forge.require(by, "admin", pull.repository)
        given.update(user.login for user in asked)
    elif by not in asked:
        raise refusals.forbidden("403 Forbidden: 你不是此 Pull Request 的审查或测试人员")
    given.add(by.login)
