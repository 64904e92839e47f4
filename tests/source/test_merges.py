"""Gitee's merge of a pull request, or why there is none, from a real git server."""

import pytest

from bot.gitee import merge_fetch
from bot.gitee.source import GitSource
from bot.model.errors import GiveUp, RetryLater, TellUser
from bot.model.forge import Merge
from bot.model.reason import Reason
from tests.source.upstream import REPO, Upstream

FILES = {"a": b"1\n", "b": b"1\n"}


def parted(
    upstream: Upstream, head: dict[str, bytes], base: dict[str, bytes], history: int = 0
) -> tuple[str, str]:
    """Let a branch and its base part; return the head, which is that of pull request 7, and the base."""
    start = upstream.commit(FILES)
    tip = upstream.commit(FILES | head, parent=start)
    for number in range(history):
        start = upstream.commit(FILES | {"more": b"%d" % number}, parent=start)
    latest = upstream.commit(FILES | {"more": b"0"} | base, parent=start)
    upstream.git("update-ref", "refs/heads/master", latest)
    upstream.pull(7, tip)
    return tip, latest


def merged(upstream: Upstream, first: str, *others: str) -> str:
    sha = upstream.commit(FILES | {"a": b"2\n", "b": b"2\n"}, parent=first, merged=others)
    upstream.git("update-ref", "refs/pull/7/MERGE", sha)
    return sha


async def test_the_merge_is_fetched_instead_of_the_head(source: GitSource, upstream: Upstream) -> None:
    head, base = parted(upstream, {"a": b"2\n"}, {"b": b"2\n"})
    sha = merged(upstream, base, head)

    assert await source.fetch_merge(REPO, upstream.url, 7, head, base) == Merge(sha, base, base)
    assert await source.read(REPO, sha, "a") == await source.read(REPO, sha, "b") == b"2\n"
    asked = len(upstream.requests)
    await source.fetch_base(REPO, upstream.url, sha)
    assert len(upstream.requests) == asked


async def test_the_merge_says_into_which_commit_it_is(source: GitSource, upstream: Upstream) -> None:
    head, base = parted(upstream, {"a": b"2\n"}, {"b": b"2\n"})
    later = upstream.commit(FILES | {"b": b"3\n"}, parent=base)
    sha = merged(upstream, later, head)

    assert await source.fetch_merge(REPO, upstream.url, 7, head, base) == Merge(sha, later, base)


@pytest.mark.parametrize("old", [False, True])
async def test_a_conflict_names_the_files(source: GitSource, upstream: Upstream, *, old: bool) -> None:
    head, base = parted(upstream, {"a": b"2\n", "b": b"2\n", "名 ,\t": b"x"}, {"a": b"3\n", "b": b"3\n"})
    if old:
        merged(upstream, base, upstream.commit(FILES))

    with pytest.raises(TellUser) as caught:
        await source.fetch_merge(REPO, upstream.url, 7, head, base)

    assert caught.value.reason is Reason.MERGE_CONFLICT
    assert caught.value.facts == {"sha": head, "onto": base, "paths": "a, b"}
    assert await source.read(REPO, head, "a") is None


async def test_where_the_branches_have_parted_is_found_in_a_longer_history(
    source: GitSource, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(merge_fetch, "DEPTHS", (2, 3, 9))
    head, base = parted(upstream, {"a": b"2\n"}, {"a": b"3\n"}, history=5)

    with pytest.raises(TellUser) as caught:
        await source.fetch_merge(REPO, upstream.url, 7, head, base)

    assert caught.value.facts["paths"] == "a"


@pytest.mark.parametrize("depth", [2, 50])
async def test_a_merge_that_gitee_has_not_made_yet_is_waited_for(
    source: GitSource, upstream: Upstream, depth: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(merge_fetch, "DEPTHS", (depth,))
    head, base = parted(upstream, {"a": b"2\n"}, {"b": b"3\n"}, history=5)
    merged(upstream, base, upstream.commit(FILES))

    with pytest.raises(RetryLater) as caught:
        await source.fetch_merge(REPO, upstream.url, 7, head, base)

    assert caught.value.reason is Reason.GIT_UNAVAILABLE


async def test_a_moved_head_is_reported(source: GitSource, upstream: Upstream) -> None:
    head, base = parted(upstream, {"a": b"2\n"}, {"b": b"2\n"})
    now = upstream.commit(FILES | {"a": b"4\n"}, parent=head)
    upstream.pull(7, now)
    merged(upstream, base, now)

    with pytest.raises(TellUser) as caught:
        await source.fetch_merge(REPO, upstream.url, 7, head, base)

    assert (caught.value.reason, caught.value.facts) == (Reason.HEAD_MOVED, {"seen": head, "now": now})


@pytest.mark.attack
@pytest.mark.parametrize("parents", ["other", "none", "head only", "turned", "three"])
async def test_only_a_merge_of_the_approved_head_is_built(
    source: GitSource, upstream: Upstream, parents: str
) -> None:
    head, base = parted(upstream, {"a": b"2\n"}, {"b": b"2\n"})
    other = upstream.commit(FILES | {"evil": b"x"}, parent=head)
    listed = {
        "other": (base, other),
        "none": ("",),
        "head only": (head,),
        "turned": (head, base),
        "three": (base, head, other),
    }
    sha = merged(upstream, *listed[parents])

    with pytest.raises(RetryLater):
        await source.fetch_merge(REPO, upstream.url, 7, head, base)

    assert await source.read(REPO, sha, "a") is None


@pytest.mark.attack
@pytest.mark.parametrize("base", ["--upload-pack=id", "master", ""])
async def test_only_a_commit_is_merged_into(source: GitSource, upstream: Upstream, base: str) -> None:
    head, _ = parted(upstream, {"a": b"2\n"}, {"b": b"2\n"})

    with pytest.raises(GiveUp):
        await source.fetch_merge(REPO, upstream.url, 7, head, base)

    assert not upstream.requests
