"""Reading files and archives of fetched commits."""

import contextlib
import io
import tarfile
from pathlib import Path

import pytest

from bot.gitee.source import GitSource
from bot.model.errors import GiveUp, RetryLater, TellUser
from bot.model.forge import Tree
from bot.model.reason import Reason
from tests.source.upstream import REPO, TOKEN, Upstream, names


async def fetched(source: GitSource, upstream: Upstream, sha: str) -> str:
    upstream.pull(7, sha)
    await source.fetch(REPO, upstream.url, 7, sha)
    return sha


async def test_the_archive_is_removed_after_use(source: GitSource, upstream: Upstream) -> None:
    sha = await fetched(source, upstream, upstream.commit({"a": b"a"}))

    async with source.archive(REPO, sha) as path:
        assert path.stat().st_size > 0

    assert not path.exists()


async def test_the_files_of_a_commit_are_listed(source: GitSource, upstream: Upstream) -> None:
    files = {"b": b"", "a/新 file": b"", "a/b/c": b"x"}
    made = upstream.commit(files, links={"link": "b"}, submodules={"libs/ui": "cd" * 20})
    sha = await fetched(source, upstream, made)

    assert await source.tree(REPO, sha) == Tree(("a/b/c", "a/新 file", "b"), ("libs/ui",), ("link",))
    assert await source.tree(REPO, "0" * 40) == await source.tree(REPO, "--help") == Tree()


async def test_a_listing_is_complete_or_none(source: GitSource, upstream: Upstream) -> None:
    sha = await fetched(source, upstream, upstream.commit({"b": b"", "a/新": b"x"}))
    listing = await source.listing(REPO, sha, 1000)

    assert listing is not None
    assert [entry.partition(b"\t")[2].decode() for entry in listing.split(b"\0")] == ["a/新", "b", ""]
    assert await source.listing(REPO, sha, len(listing)) == listing
    assert await source.listing(REPO, sha, len(listing) - 1) is None
    with pytest.raises(RetryLater):
        await source.listing(REPO, "0" * 40, 1000)


@pytest.mark.attack
@pytest.mark.parametrize(
    "url",
    [
        *("file:///etc", "ext::sh -c id", "--upload-pack=id", "https://elsewhere.example.com/x.git"),
        *("../other.git", "https://oauth2:secret@gitee.com/team/other.git"),
    ],
)
async def test_no_address_of_a_submodule_is_contacted(
    source: GitSource, upstream: Upstream, url: str
) -> None:
    modules = f'[submodule "x"]\n\tpath = x\n\turl = {url}\n'.encode()
    sha = upstream.commit({".gitmodules": modules, "a": b"a"}, submodules={"x": "cd" * 20})
    upstream.pull(7, sha)

    with contextlib.suppress(GiveUp):  # git itself refuses addresses that begin with a dash
        await source.fetch(REPO, upstream.url, 7, sha)
        assert (await source.tree(REPO, sha)).submodules == ("x",)
        assert set(await names(source, sha)) == {".gitmodules", "a", "x"}

    assert {request.path.partition(".git/")[0] for request in upstream.requests} == {"/lin/guestbook"}


@pytest.mark.attack
async def test_a_list_of_very_many_files_is_cut(
    source: GitSource, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.gitee.source.LARGEST_LISTING", 200)
    sha = await fetched(source, upstream, upstream.commit({f"file-{n}": b"" for n in range(100)}))

    assert (await source.tree(REPO, sha)).files == ("file-0", "file-1", "file-10")


@pytest.mark.attack
async def test_symlinks_are_followed_inside_the_commit_and_not_out_of_it(
    source: GitSource, upstream: Upstream
) -> None:
    links = {"in": "real", "out": "/etc/passwd", "up": "../../etc/passwd", "loop": "loop", "none": "missing"}
    sha = await fetched(source, upstream, upstream.commit({"real": b"real"}, links=links))

    assert await source.read(REPO, sha, "in") == b"real"
    for link in ("out", "up", "loop", "none"):
        assert await source.read(REPO, sha, link) is None


@pytest.mark.attack
async def test_symlinks_stay_symlinks_in_the_archive(source: GitSource, upstream: Upstream) -> None:
    sha = await fetched(source, upstream, upstream.commit({"a": b"a"}, links={"out": "/etc/passwd"}))

    async with source.archive(REPO, sha) as path:
        with tarfile.open(fileobj=io.BytesIO(path.read_bytes())) as tar:
            member = tar.getmember("out")

    assert member.issym()
    assert member.linkname == "/etc/passwd"


@pytest.mark.attack
@pytest.mark.parametrize("path", ["", ".", "..", "../a", "/a", "a/../../b", "sub", "missing", "a\nb", "a\0b"])
async def test_missing_files_read_as_none(source: GitSource, upstream: Upstream, path: str) -> None:
    sha = await fetched(source, upstream, upstream.commit({"a": b"a", "sub/b": b"b"}))

    assert await source.read(REPO, sha, path) is None


async def test_unusual_names_are_supported(source: GitSource, upstream: Upstream) -> None:
    files = {"--upload-pack=x": b"1", "with space": b"2", "-c": b"3", "文件": b"4", "a:b": b"5", "@{0}": b"6"}
    sha = await fetched(source, upstream, upstream.commit(files))

    assert [await source.read(REPO, sha, name) for name in files] == list(files.values())


@pytest.mark.attack
async def test_a_submodule_is_not_a_file(source: GitSource, upstream: Upstream) -> None:
    elsewhere = "3" * 40
    upstream.commit({"a": b"a"})
    upstream.git("update-index", "--add", "--cacheinfo", f"160000,{elsewhere},sub")
    sha = upstream.git("commit-tree", upstream.git("write-tree"), "-m", "with a submodule")
    await fetched(source, upstream, sha)

    assert await source.read(REPO, sha, "sub") is None
    assert await source.read(REPO, sha, "a") == b"a"


@pytest.mark.attack
async def test_a_file_over_the_limit_reads_as_none(source: GitSource, upstream: Upstream) -> None:
    sha = await fetched(source, upstream, upstream.commit({"big": bytes(2 << 20), "fits": b"1234"}))

    assert await source.read(REPO, sha, "big") is None
    assert await source.read(REPO, sha, "fits", limit=4) == b"1234"
    assert await source.read(REPO, sha, "fits", limit=3) is None
    assert await source.read(REPO, sha, "big", limit=2 << 20) == bytes(2 << 20)


@pytest.mark.attack
async def test_an_archive_over_the_limit_is_refused_and_leaves_nothing(
    upstream: Upstream, tmp_path: Path
) -> None:
    origin = upstream.url.removesuffix("/lin/guestbook.git")
    source = GitSource(tmp_path / "cache", origin, TOKEN, limit=1 << 20)
    sha = await fetched(source, upstream, upstream.commit({"big": bytes(3 << 20)}))

    with pytest.raises(TellUser) as caught:
        async with source.archive(REPO, sha):
            pytest.fail("there is nothing to give")

    assert (caught.value.reason, caught.value.facts) == (Reason.SOURCE_TOO_LARGE, {"limit": "1 MiB"})
    assert not list((tmp_path / "cache/.scratch").iterdir())


@pytest.mark.parametrize("folder", ["missing", "..", "/etc", "a", "--output=/tmp/x", "link"])
@pytest.mark.attack
async def test_a_missing_folder_of_the_commit_is_an_error(
    source: GitSource, upstream: Upstream, folder: str
) -> None:
    sha = await fetched(source, upstream, upstream.commit({"a": b"a", "sub/b": b"b"}, links={"link": "sub"}))

    with pytest.raises(TellUser) as caught:
        async with source.archive(REPO, sha, folder):
            pytest.fail("there is nothing to give")

    assert (caught.value.reason, caught.value.facts) == (Reason.NO_DOCKERFILE, {"path": folder})


async def test_a_commit_must_be_fetched_before_it_is_read(source: GitSource, upstream: Upstream) -> None:
    sha = upstream.open({"a": b"a"})

    assert await source.read(REPO, sha, "a") is None
    with pytest.raises(RetryLater):
        async with source.archive(REPO, sha):
            pytest.fail("there is nothing to give")


@pytest.mark.attack
async def test_git_attributes_change_no_content(source: GitSource, upstream: Upstream) -> None:
    files = {
        ".gitattributes": b"* export-subst\nhidden export-ignore\n*.txt filter=evil\n",
        "stamp": b"$Format:%H %an$",
        "hidden": b"hidden",
        "a.txt": b"plain",
    }
    sha = await fetched(source, upstream, upstream.commit(files))

    async with source.archive(REPO, sha) as path:
        with tarfile.open(fileobj=io.BytesIO(path.read_bytes())) as tar:
            found = {m.name: f.read() for m in tar.getmembers() if (f := tar.extractfile(m))}

    assert found["stamp"] == b"$Format:%H %an$"
    assert found["a.txt"] == b"plain"
    assert "hidden" not in found


@pytest.mark.attack
@pytest.mark.parametrize("name", [".git", "..", ".GIT"])
async def test_a_tree_with_path_traversal_is_refused(
    source: GitSource, upstream: Upstream, name: str
) -> None:
    blob = upstream.git("hash-object", "-w", "--stdin", given=b"x")
    tree = upstream.git("mktree", given=f"100644 blob {blob}\t{name}\n".encode())
    sha = upstream.git("commit-tree", tree, "-m", "hostile")
    upstream.pull(7, sha)

    with pytest.raises(GiveUp):
        await source.fetch(REPO, upstream.url, 7, sha)

    assert await source.read(REPO, sha, name) is None
