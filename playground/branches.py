"""Changes of branches: commits, pushes and merges, and their effects on pull requests."""

from playground import git_history, pulls, refusals
from playground.events import PullEvent, PushEvent
from playground.forge import OfflineForge
from playground.git_repositories import ZERO, Files, GitError, GitRepository
from playground.state import Pull, Repository, User, now

_BRANCH = "refs/heads/"


async def ref_moved(  # noqa: PLR0917 - the parts of a push
    forge: OfflineForge, repository: Repository, ref: str, before: str, after: str, by: User
) -> None:
    """Announce that a ref moved, and update pull requests. A commit of 40 zeros means that there is none."""
    repository.pushed_at = repository.updated_at = now()
    commits = await git_history.pushed_commits(forge.git(repository), before, after)
    forge.announce(PushEvent(repository, by, ref, before, after, commits))
    branch = ref.removeprefix(_BRANCH)
    if ref.startswith(_BRANCH) and after != ZERO:
        await _follow_head(forge, repository, branch, after, by)
        await _follow_base(forge, repository, branch)


def _open_pulls(forge: OfflineForge) -> list[Pull]:
    everywhere = forge.world.repositories.values()
    return [pull for one in everywhere for pull in one.pulls.values() if pull.state == "open"]


async def _follow_head(forge: OfflineForge, repository: Repository, branch: str, sha: str, by: User) -> None:
    for pull in _open_pulls(forge):
        if pull.head_repository is repository and pull.head_branch == branch and pull.head_sha != sha:
            await pulls.head_moved(forge, pull, sha, by)


async def _follow_base(forge: OfflineForge, repository: Repository, branch: str) -> None:
    for pull in _open_pulls(forge):
        if pull.repository is repository and pull.base_branch == branch:
            await pulls.refresh(forge, pull)
    forge.changes.notify()


async def commit(
    forge: OfflineForge,
    repository: Repository,
    branch: str,
    files: Files,
    *,
    by: User,
    message: str,
    start: str | None = None,
) -> str:
    """Add a commit to a branch and return its sha. A new branch starts at `start` or the default branch."""
    forge.require(by, "admin" if branch in repository.protected else "write", repository)
    git, ref = forge.git(repository), f"{_BRANCH}{branch}"
    await _refuse_bad_name(forge, repository, branch)
    _refuse_bad_paths(files)
    async with forge.lock(repository):
        present = await git.resolve(ref)
        parent = present or await git.resolve(start or f"{_BRANCH}{repository.default_branch}")
        sha = await git.commit(branch, files, by, message, parent)
        await ref_moved(forge, repository, ref, present or ZERO, sha, by)
    return sha


def _refuse_bad_paths(files: Files) -> None:
    """Refuse paths that git cannot check out: they could be pushed but never cloned."""
    for path in files:
        parts = path.lower().split("/")
        if {"", ".", "..", ".git"} & set(parts) or any(ord(letter) < ord(" ") for letter in path):
            raise refusals.invalid(f"文件路径不合法：{path}")


async def commit_to_pull(forge: OfflineForge, pull: Pull, files: Files, *, by: User, message: str) -> str:
    """Add a commit to a pull request's branch. Raises 404 if its fork was deleted."""
    if pull.head_repository is None:
        raise refusals.project_not_found()
    return await commit(forge, pull.head_repository, pull.head_branch, files, by=by, message=message)


async def _refuse_bad_name(forge: OfflineForge, repository: Repository, branch: str) -> None:
    try:
        await forge.git(repository).run("check-ref-format", "--branch", branch)
    except GitError as error:
        raise refusals.invalid("分支名不合法") from error


async def merge(
    forge: OfflineForge, pull: Pull, by: User, *, method: str = "merge", message: str = ""
) -> str:
    """Merge into the base branch and return the new commit. Raises 405 if it cannot be merged."""
    forge.require(by, "write", pull.repository)
    git = forge.git(pull.repository)
    async with forge.lock(pull.repository):
        _refuse_unready(pull)
        base = await git.resolve(f"{_BRANCH}{pull.base_branch}") or pull.base_sha
        sha = await _merged(forge, pull, by, base, method=method, message=message)
        await git.set_ref(f"{_BRANCH}{pull.base_branch}", sha)
        pull.state, pull.merged_at = "merged", now()
        pull.closed_at = pull.merged_at
        pull.touch(by)
        forge.announce(PullEvent(pull, by, "merge", "merge"))
        await ref_moved(forge, pull.repository, f"{_BRANCH}{pull.base_branch}", base, sha, by)
    return sha


def _refuse_unready(pull: Pull) -> None:
    if pull.state != "open":
        raise refusals.not_allowed("此 Pull Request 已合并或已关闭")
    if pull.draft:
        raise refusals.not_allowed("草稿 Pull Request 不可合并")
    if not {user.login for user in pull.assignees} <= pull.reviewed_by:
        raise refusals.not_allowed("此 Pull Request 未通过设置的审查")
    if not {user.login for user in pull.testers} <= pull.tested_by:
        raise refusals.not_allowed("此 Pull Request 未通过设置的测试")


async def _merged(forge: OfflineForge, pull: Pull, by: User, base: str, *, method: str, message: str) -> str:
    git = forge.git(pull.repository)
    tree = await git.merged_tree(base, pull.head_sha)
    if tree is None:
        raise refusals.not_allowed("此 Pull Request 存在冲突，无法合并")
    if method == "rebase":
        return await _rebased(git, base, pull, by)
    text = f"!{pull.number} {message or pull.title}\n"
    if method == "squash":
        return await git.commit_tree(tree, (base,), by, text)
    body = f"{text}\nMerge pull request !{pull.number} from {pull.author.login}/{pull.head_branch}\n"
    return await git.commit_tree(tree, (base, pull.head_sha), by, body)


async def _rebased(git: GitRepository, base: str, pull: Pull, by: User) -> str:
    try:
        return await git.rebased(base, pull.head_sha, by)
    except GitError as error:
        raise refusals.not_allowed("此 Pull Request 变基时存在冲突，无法合并") from error
