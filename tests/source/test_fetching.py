"""Fetching commits from a real git server that fails, lies or hangs."""

import asyncio
import logging
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from aiohttp import web

from bot.gitee.source import GitSource
from bot.model.errors import GiveUp, RetryLater, TellUser
from bot.model.forge import RepoPath
from bot.model.reason import Reason
from tests.real.ports import free_port
from tests.source.upstream import REPO, TOKEN, Upstream, names

FILES = {"Dockerfile": b"FROM scratch\n", "src/app.py": b"print()\n"}


async def test_a_fetched_commit_can_be_read_and_archived(source: GitSource, upstream: Upstream) -> None:
    sha = upstream.open(FILES)

    await source.fetch(REPO, upstream.url, 7, sha)

    assert await source.read(REPO, sha, "Dockerfile") == b"FROM scratch\n"
    assert await source.read(REPO, sha, "./src/app.py") == b"print()\n"
    assert {"Dockerfile", "src/app.py"} <= set(await names(source, sha))
    assert set(await names(source, sha, "src/")) == {"app.py"}


async def test_a_cached_commit_needs_no_network(source: GitSource, upstream: Upstream) -> None:
    sha = upstream.open(FILES)
    await source.fetch(REPO, upstream.url, 7, sha)
    asked = len(upstream.requests)

    await source.fetch(REPO, upstream.url, 7, sha)

    assert len(upstream.requests) == asked > 0


async def test_only_the_newest_commit_is_transferred(
    source: GitSource, upstream: Upstream, tmp_path: Path
) -> None:
    old = upstream.commit({"old": b"old"})
    sha = upstream.commit(FILES, parent=old)
    upstream.pull(7, sha)

    await source.fetch(REPO, upstream.url, 7, sha)

    assert await source.read(REPO, old, "old") is None
    assert (tmp_path / "cache/lin/guestbook.git/shallow").read_text().split() == [sha]


async def test_a_moved_head_is_reported_with_both_commits(source: GitSource, upstream: Upstream) -> None:
    seen = upstream.commit(FILES)
    now = upstream.commit({"Dockerfile": b"FROM other\n"}, parent=seen)
    upstream.pull(7, now)

    with pytest.raises(TellUser) as caught:
        await source.fetch(REPO, upstream.url, 7, seen)

    assert (caught.value.reason, caught.value.facts) == (Reason.HEAD_MOVED, {"seen": seen, "now": now})
    assert await source.read(REPO, seen, "Dockerfile") is None


async def test_a_commit_replaced_by_a_force_push_is_gone(source: GitSource, upstream: Upstream) -> None:
    upstream.open(FILES)
    gone = "1" * 40

    with pytest.raises(TellUser) as caught:
        await source.fetch(REPO, upstream.url, 7, gone)

    assert (caught.value.reason, caught.value.facts) == (Reason.COMMIT_GONE, {"sha": gone})


async def test_without_its_ref_a_commit_is_fetched_by_its_id(source: GitSource, upstream: Upstream) -> None:
    sha = upstream.commit(FILES)
    upstream.git("update-ref", "refs/heads/feature", sha)

    await source.fetch(REPO, upstream.url, 7, sha)

    assert await source.read(REPO, sha, "src/app.py") == b"print()\n"


async def test_without_ref_and_commit_it_is_gone(source: GitSource, upstream: Upstream) -> None:
    upstream.git("update-ref", "refs/heads/master", upstream.commit(FILES))

    with pytest.raises(TellUser) as caught:
        await source.fetch(REPO, upstream.url, 8, "2" * 40)

    assert caught.value.reason is Reason.COMMIT_GONE


async def test_a_commit_of_the_base_branch_can_be_read_beside_the_head(
    source: GitSource, upstream: Upstream
) -> None:
    base = upstream.commit({"deploy/web.yaml": b"kind: Deployment\n"})
    upstream.git("update-ref", "refs/heads/master", base)
    head = upstream.commit(FILES, parent=base)
    upstream.pull(7, head)
    await source.fetch(REPO, upstream.url, 7, head)

    await source.fetch_base(REPO, upstream.url, base)

    assert set(await names(source, base, "deploy")) == {"web.yaml"}
    asked = len(upstream.requests)
    await source.fetch_base(REPO, upstream.url, base)
    assert len(upstream.requests) == asked
    assert await source.read(REPO, head, "Dockerfile") == b"FROM scratch\n"


async def test_a_commit_on_no_branch_is_gone(source: GitSource, upstream: Upstream) -> None:
    upstream.open(FILES)

    with pytest.raises(TellUser) as caught:
        await source.fetch_base(REPO, upstream.url, "3" * 40)

    assert (caught.value.reason, caught.value.facts) == (Reason.COMMIT_GONE, {"sha": "3" * 40})
    with pytest.raises(GiveUp):
        await source.fetch_base(REPO, "https://elsewhere.example.com/lin/guestbook.git", "3" * 40)


async def test_pull_requests_of_one_repository_do_not_disturb_each_other(
    source: GitSource, upstream: Upstream
) -> None:
    shas = {number: upstream.open({"n": str(number).encode()}, number) for number in range(1, 6)}

    await asyncio.gather(*(source.fetch(REPO, upstream.url, number, sha) for number, sha in shas.items()))

    for number, sha in shas.items():
        assert await source.read(REPO, sha, "n") == str(number).encode()


@pytest.mark.parametrize("status", [401, 403, 404])
async def test_a_refused_fetch_is_not_retried(source: GitSource, upstream: Upstream, status: int) -> None:
    sha = upstream.open(FILES)
    upstream.answer = lambda: web.Response(status=status)

    with pytest.raises(GiveUp) as caught:
        await source.fetch(REPO, upstream.url, 7, sha)

    assert (caught.value.reason, caught.value.facts) == (Reason.GIT_DENIED, {"repository": "lin/guestbook"})


@pytest.mark.parametrize("status", [500, 502, 503])
async def test_a_failing_server_is_retried_later(source: GitSource, upstream: Upstream, status: int) -> None:
    sha = upstream.open(FILES)
    upstream.answer = lambda: web.Response(status=status)

    with pytest.raises(RetryLater) as caught:
        await source.fetch(REPO, upstream.url, 7, sha)

    assert caught.value.reason is Reason.GIT_UNAVAILABLE
    assert str(status) in caught.value.facts["message"]
    upstream.answer = None
    await source.fetch(REPO, upstream.url, 7, sha)


async def test_a_missing_server_is_retried_later(tmp_path: Path) -> None:
    unreachable = f"http://127.0.0.1:{free_port()}"

    with pytest.raises(RetryLater) as caught:
        await GitSource(tmp_path, unreachable).fetch(REPO, f"{unreachable}/lin/guestbook.git", 7, "1" * 40)

    assert caught.value.reason is Reason.GIT_UNAVAILABLE


async def test_a_hanging_server_is_retried_later(upstream: Upstream, tmp_path: Path) -> None:
    upstream.hold = True
    origin = upstream.url.removesuffix("/lin/guestbook.git")
    source = GitSource(tmp_path / "cache", origin, TOKEN, timeout=0.5)

    with pytest.raises(RetryLater, match="not finished after"):
        await source.fetch(REPO, upstream.url, 7, "1" * 40)


def processes() -> Iterator[tuple[int, str]]:
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            yield int(folder.name), (folder / "cmdline").read_text()


async def test_cancelling_kills_git_and_its_children(source: GitSource, upstream: Upstream) -> None:
    upstream.hold = True
    fetching = asyncio.create_task(source.fetch(REPO, upstream.url, 7, "1" * 40))
    await upstream.held.wait()
    assert any(upstream.url in words for _, words in processes())

    fetching.cancel()
    with suppress(asyncio.CancelledError):
        await fetching

    assert not [words for _, words in processes() if upstream.url in words and "git" in words]


@pytest.mark.attack
async def test_the_credential_is_in_no_argument_file_or_log(
    source: GitSource, upstream: Upstream, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    upstream.hold = True
    fetching = asyncio.create_task(source.fetch(REPO, upstream.url, 7, "1" * 40))
    await upstream.held.wait()
    secret = upstream.requests[-1].headers["Authorization"].removeprefix("Basic ")

    seen = "".join(words for _, words in processes() if upstream.url in words and "git" in words)
    fetching.cancel()
    with suppress(asyncio.CancelledError):
        await fetching

    assert upstream.url in seen
    kept = b"".join(path.read_bytes() for path in (tmp_path / "cache").rglob("*") if path.is_file())
    for word in (TOKEN, secret):
        assert word not in seen
        assert word not in caplog.text
        assert word.encode() not in kept


@pytest.mark.attack
async def test_a_redirect_is_not_followed_with_the_credential(source: GitSource, upstream: Upstream) -> None:
    elsewhere = upstream.url.replace("/lin/guestbook.git", "/elsewhere/thief.git")
    upstream.answer = lambda: web.Response(status=302, headers={"Location": f"{elsewhere}/info/refs"})

    with pytest.raises(GiveUp):
        await source.fetch(REPO, upstream.url, 7, "1" * 40)

    assert not [request for request in upstream.requests if "thief" in request.path]


@pytest.mark.attack
@pytest.mark.parametrize(
    "address",
    [
        "ext::sh -c touch% /tmp/owned",
        "file:///etc",
        "/etc",
        "ssh://git@HOST/lin/guestbook.git",
        "--upload-pack=touch /tmp/owned",
        "http://HOST@evil.example/lin/guestbook.git",
        "http://evil.example/lin/guestbook.git",
        "http://HOST.evil.example/lin/guestbook.git",
        "http://user:word@HOST/lin/guestbook.git",
        "https://HOST/lin/guestbook.git",
        "http://HOST/lin/../../guestbook.git",
        "http://HOST/lin/guestbook.git?x=1",
        "http://HOST/lin/guestbook.git#x",
        "http://HOST/lin/guest\nbook.git",
        "http://HOST/lin/--upload-pack=x.git",
        "",
    ],
)
async def test_addresses_outside_of_the_configured_gitee_are_refused_without_a_request(
    source: GitSource, upstream: Upstream, address: str, tmp_path: Path
) -> None:
    host = upstream.url.removeprefix("http://").partition("/")[0]

    with pytest.raises(GiveUp) as caught:
        await source.fetch(REPO, address.replace("HOST", host), 7, "1" * 40)

    assert caught.value.reason is Reason.GIT_DENIED
    assert not upstream.requests
    assert not (tmp_path / "cache/lin").exists()


@pytest.mark.attack
@pytest.mark.parametrize(
    "sha", ["", "HEAD", "--all", "1" * 39, "G" * 40, "refs/heads/master", "1" * 40 + "\n"]
)
async def test_an_invalid_commit_id_is_not_passed_to_git(
    source: GitSource, upstream: Upstream, sha: str
) -> None:
    with pytest.raises(GiveUp):
        await source.fetch(REPO, upstream.url, 7, sha)

    assert await source.read(REPO, sha, "Dockerfile") is None
    assert not upstream.requests


@pytest.mark.attack
@pytest.mark.parametrize("repo", [RepoPath("..", "x"), RepoPath("lin", "../../x"), RepoPath("lin", "a\nb")])
async def test_no_repository_name_leaves_the_cache(
    source: GitSource, upstream: Upstream, repo: RepoPath
) -> None:
    with pytest.raises(GiveUp):
        await source.fetch(repo, upstream.url, 7, "1" * 40)
