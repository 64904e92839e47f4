"""Git over HTTP with the real git: cloning, fetching pull request refs, pushing, and permissions."""

import asyncio
import os
import subprocess
from pathlib import Path

import pytest

from playground.git_history import changed_files
from playground.server import OfflineGitee
from tests.playground.receiving import REPO, Receiver
from tests.real.parts import PATIENCE


async def git(*arguments: str, cwd: Path) -> tuple[int, str]:
    """Run git without any user configuration and return its status and output."""

    def run() -> subprocess.CompletedProcess[str]:
        env = {"PATH": os.environ["PATH"], "GIT_CONFIG_GLOBAL": os.devnull, "GIT_TERMINAL_PROMPT": "0"}
        identity = ("-c", "user.name=mei", "-c", "user.email=mei@noreply.example")
        return subprocess.run(  # noqa: S603 - the arguments are the test's own
            ["git", *identity, *arguments],  # noqa: S607 - whichever git is first in the path
            cwd=cwd,
            env=env,
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE,
        )

    done = await asyncio.to_thread(run)
    return done.returncode, done.stdout.strip() + done.stderr.strip()


def address(gitee: OfflineGitee, login: str = "", repository: str = REPO) -> str:
    """Return the clone URL, with a user's credentials if one is given."""
    credentials = f"{login}:{gitee.token(login)}@" if login else ""
    return f"http://{credentials}{gitee.url.removeprefix('http://')}/{repository}.git"


@pytest.fixture
async def clone(gitee: OfflineGitee, tmp_path: Path) -> Path:
    status, output = await git("clone", "--quiet", address(gitee, "mei"), "work", cwd=tmp_path)
    assert status == 0, output
    return tmp_path / "work"


async def test_anyone_clones_a_public_repository(gitee: OfflineGitee, tmp_path: Path) -> None:
    status, output = await git("clone", "--quiet", address(gitee), "work", cwd=tmp_path)
    assert (status, output) == (0, "")
    assert (tmp_path / "work" / "src" / "app.py").read_text() == "print('hi')\n"
    assert os.access(tmp_path / "work" / "run.sh", os.X_OK)


async def test_pull_requests_have_head_and_merge_refs(gitee: OfflineGitee, clone: Path, pull: int) -> None:
    fork = await gitee.open_pull(REPO, "topic", files={"forked": "1"}, by="stranger", from_fork=True)
    for number in (pull, fork):
        state = gitee.pull(REPO, number)
        refs = [f"refs/pull/{number}/head", f"refs/pull/{number}/MERGE"]
        status, output = await git("fetch", "--quiet", "--depth=1", "origin", *refs, cwd=clone)
        assert (status, output) == (0, "")
        _, fetched = await git("ls-remote", "origin", *refs, cwd=clone)
        shas = {line.split("\t")[1]: line.split("\t")[0] for line in fetched.splitlines()}
        assert shas == {refs[0]: state.head_sha, refs[1]: state.facts.merge_commit_sha}
        _, message = await git("show", "-s", "--format=%s", shas[refs[1]], cwd=clone)
        assert message == f"Pre Merge pull request !{number} from {state.author.login}/{state.head_branch}"


async def test_a_commit_can_be_fetched_by_its_sha(gitee: OfflineGitee, clone: Path, pull: int) -> None:
    old = gitee.pull(REPO, pull).head_sha
    await gitee.push(REPO, pull, {"more": "1"}, by="mei")
    status, output = await git("fetch", "--quiet", "--depth=1", "origin", old, cwd=clone)
    assert (status, output) == (0, "")


async def test_the_merge_ref_follows_the_base_and_is_removed_by_a_conflict(
    gitee: OfflineGitee, clone: Path, pull: int
) -> None:
    before = gitee.pull(REPO, pull).facts.merge_commit_sha
    await gitee.commit(REPO, "master", {"unrelated": "1"}, by="lin")
    moved = gitee.pull(REPO, pull)
    assert moved.facts.merge_commit_sha not in {before, None}
    assert moved.facts.mergeable
    await gitee.commit(REPO, "master", {"src/app.py": "print('conflict')\n"}, by="lin")
    assert not gitee.pull(REPO, pull).facts.mergeable
    _, refs = await git("ls-remote", "origin", f"refs/pull/{pull}/*", cwd=clone)
    assert refs == f"{moved.head_sha}\trefs/pull/{pull}/head"


async def test_a_push_moves_the_pull_request_and_is_announced(
    gitee: OfflineGitee, receiver: Receiver, clone: Path, pull: int
) -> None:
    gitee.add_hook(REPO, receiver.url, "s", events=("push_events", "merge_requests_events"))
    await git("fetch", "--quiet", "origin", cwd=clone)
    await git("checkout", "--quiet", "feature", cwd=clone)
    (clone / "pushed.txt").write_text("x" * 3_000_000)
    await git("add", "pushed.txt", cwd=clone)
    await git("commit", "--quiet", "-m", "By hand", cwd=clone)
    status, output = await git("push", "--quiet", "origin", "feature", cwd=clone)
    assert (status, output) == (0, "")
    _, sha = await git("rev-parse", "HEAD", cwd=clone)
    assert gitee.pull(REPO, pull).head_sha == sha
    await gitee.delivered()
    events = [(one.headers["X-Gitee-Event"], one.body["sender"]["login"]) for one in receiver.requests]
    assert events == [("Push Hook", "mei"), ("Merge Request Hook", "mei")]
    assert receiver.requests[0].body["commits"][0]["added"] == ["pushed.txt"]


async def test_a_file_that_becomes_a_symlink_does_not_affect_others(gitee: OfflineGitee, clone: Path) -> None:
    await git("checkout", "--quiet", "-b", "links", cwd=clone)
    (clone / "README.md").unlink()
    (clone / "README.md").symlink_to("run.sh")
    (clone / "run.sh").write_text("#!/bin/sh\necho changed\n")
    await git("commit", "--quiet", "-a", "-m", "Links", cwd=clone)
    await git("push", "--quiet", "origin", "links", cwd=clone)
    number = await gitee.open_pull(REPO, "links", by="mei")
    repository, state = gitee.forge.git(gitee.repository(REPO)), gitee.pull(REPO, number)
    changed = await changed_files(repository, state.base_sha, state.head_sha)
    assert [(one.path, "echo changed" in one.diff) for one in changed] == [
        ("README.md", False),
        ("run.sh", True),
    ]


@pytest.mark.parametrize(("login", "allowed"), [("", False), ("stranger", False), ("mei", True)])
async def test_only_writers_push(gitee: OfflineGitee, clone: Path, login: str, *, allowed: bool) -> None:
    status, _ = await git("push", "--quiet", address(gitee, login), "HEAD:refs/heads/new", cwd=clone)
    assert (status == 0) == allowed
    assert ("refs/heads/new" in await gitee.forge.git(gitee.repository(REPO)).refs()) == allowed


async def test_refs_of_pull_requests_cannot_be_pushed(gitee: OfflineGitee, clone: Path, pull: int) -> None:
    before = gitee.pull(REPO, pull).head_sha
    status, _ = await git("push", "--quiet", "origin", f"HEAD:refs/pull/{pull}/head", cwd=clone)
    assert status != 0
    assert await gitee.forge.git(gitee.repository(REPO)).resolve(f"refs/pull/{pull}/head") == before


async def test_a_private_repository_needs_a_token_of_a_member(gitee: OfflineGitee, tmp_path: Path) -> None:
    await gitee.add_repository("team/secret", {"a": "1"}, private=True, members={"mei": "read"})
    found = {}
    for login in ("", "stranger", "mei"):
        where = address(gitee, login, "team/secret")
        found[login] = (await git("clone", "--quiet", where, f"as-{login}", cwd=tmp_path))[0]
    assert (found["mei"], found["stranger"] != 0, found[""] != 0) == (0, True, True)


async def test_a_token_works_as_oauth2_password_and_as_header(gitee: OfflineGitee, tmp_path: Path) -> None:
    await gitee.add_repository("team/secret", {"a": "1"}, private=True, members={"mei": "read"})
    plain, token = address(gitee, "", "team/secret"), gitee.token("mei")
    oauth = plain.replace("http://", f"http://oauth2:{token}@")
    assert (await git("ls-remote", oauth, cwd=tmp_path))[0] == 0
    header = f"http.extraHeader=Authorization: Bearer {token}"
    assert (await git("-c", header, "ls-remote", plain, cwd=tmp_path))[0] == 0
    assert (await git("ls-remote", plain.replace("http://", "http://oauth2:wrong@"), cwd=tmp_path))[0] != 0


@pytest.mark.parametrize("method", ["merge", "squash", "rebase"])
async def test_merging_puts_the_change_on_the_base(
    gitee: OfflineGitee, clone: Path, pull: int, method: str
) -> None:
    await gitee.commit(REPO, "master", {"concurrent": "1"}, by="lin")
    sha = await gitee.merge(REPO, pull, by="lin", method=method)
    await git("pull", "--quiet", cwd=clone)
    _, head = await git("rev-parse", "HEAD", cwd=clone)
    _, parents = await git("show", "-s", "--format=%P", cwd=clone)
    assert head == sha
    assert (clone / "src" / "app.py").read_text() == "print('hello')\n"
    assert (clone / "concurrent").exists()
    assert len(parents.split()) == (2 if method == "merge" else 1)


async def test_after_a_deleted_fork_its_commits_can_still_be_fetched(
    gitee: OfflineGitee, clone: Path
) -> None:
    number = await gitee.open_pull(REPO, "topic", files={"a": "1"}, by="stranger", from_fork=True)
    gitee.delete_fork("stranger/shop")
    status, _ = await git("fetch", "--quiet", "origin", f"refs/pull/{number}/head", cwd=clone)
    assert status == 0
