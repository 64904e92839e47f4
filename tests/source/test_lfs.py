"""Files in Git LFS of hostile and honest commits, fetched from an offline Gitee over HTTP."""

import hashlib
import io
import json
import tarfile
from collections.abc import Callable
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

import pytest
from aiohttp import web

from bot.gitee import lfs
from bot.gitee.source import GitSource
from bot.model.errors import RetryLater
from bot.model.forge import Checkout, Obstacle
from tests.source.test_submodules import SHOP, Bench, bench

__all__ = ["bench"]

ATTRIBUTES = "*.png filter=lfs diff=lfs merge=lfs -text\n"
ENDLESS = 64
"""MiB that a hostile server sends."""
LOGO, PHOTO = b"\x89PNG logo" * 1000, b"\x89PNG photo\r\n"


def pointer(content: bytes, size: int | None = None) -> str:
    oid = hashlib.sha256(content).hexdigest()
    size = len(content) if size is None else size
    return f"version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize {size}\n"


async def commit(bench: Bench, files: dict[str, str], *contents: bytes) -> str:
    """Add the repository with these files, and with contents in LFS; fetch its commit."""
    sha = await bench.shop({}, **{".gitattributes": ATTRIBUTES, **files})
    for content in contents:
        bench.gitee.add_lfs_object("team/shop", content)
    return sha


def answering(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, answer: Callable[[web.Request, Any], web.Response]
) -> None:
    """Let Gitee's LFS server answer every request for places in this way."""

    async def batch(request: web.Request, _: Any, asked: Any) -> web.Response:
        return answer(request, asked)

    monkeypatch.setattr(bench.gitee.lfs, "batch", batch)


@pytest.mark.parametrize("trusted", [True, False])
async def test_the_contents_are_in_the_archive(bench: Bench, *, trusted: bool) -> None:
    files = {
        "logo.png": pointer(LOGO),
        "web/photo.png": pointer(PHOTO),
        "web/again.png": pointer(LOGO),
        "web/.gitattributes": "*.svg filter=lfs\nplain.png -filter\n",
        "web/star.svg": pointer(PHOTO),
        "web/plain.png": pointer(PHOTO),
        "notes.txt": pointer(PHOTO),
        "small.png": "not a pointer\n",
        "名 a.png": pointer(LOGO),
    }
    sha = await commit(bench, files, LOGO, PHOTO)

    checkout = await bench.source.checkout(SHOP, sha, trusted=trusted)

    assert not checkout.missing
    found = await bench.files(checkout)
    assert found["logo.png"] == found["web/again.png"] == found["名 a.png"] == LOGO
    assert found["web/photo.png"] == found["web/star.svg"] == PHOTO
    assert found["web/plain.png"] == found["notes.txt"] == pointer(PHOTO).encode()
    assert found["small.png"] == b"not a pointer\n"
    assert found["a.txt"] == b"a\n"
    assert await bench.source.read(SHOP, checkout.sha, "logo.png") == LOGO
    assert not list((bench.folder / "cache" / ".scratch").iterdir())
    for content in (LOGO, PHOTO):
        (
            bench.gitee.lfs.folder(bench.gitee.repository("team/shop")) / hashlib.sha256(content).hexdigest()
        ).unlink()
    assert await bench.source.checkout(SHOP, sha, trusted=trusted) == checkout


async def test_contents_are_not_asked_for_compressed(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str | None] = []

    async def download(request: web.Request, _: Any) -> web.Response:
        seen.append(request.headers.get("Accept-Encoding"))
        return web.Response(body=PHOTO)

    monkeypatch.setattr(bench.gitee.lfs, "download", download)
    sha = await commit(bench, {"photo.png": pointer(PHOTO)}, PHOTO)

    assert not (await bench.source.checkout(SHOP, sha, trusted=True)).missing
    assert seen == ["identity"]


@pytest.mark.attack
async def test_files_whose_names_cannot_be_shown_are_not_fetched(bench: Bench) -> None:
    sha = await commit(bench, {"a\nb.png": pointer(LOGO), "c\x1b.png": pointer(LOGO)}, LOGO)

    checkout = await bench.source.checkout(SHOP, sha, trusted=True)

    assert checkout.missing == {"a?b.png": Obstacle.REFUSED, "c?.png": Obstacle.REFUSED}


async def test_an_executable_file_stays_one(bench: Bench) -> None:
    await commit(bench, {"tool.png": pointer(LOGO)}, LOGO)
    git = bench.gitee.forge.git(bench.gitee.repository("team/shop"))
    await git.text("read-tree", "master")
    blob = await git.text("rev-parse", "master:tool.png")
    await git.text("update-index", "--cacheinfo", f"100755,{blob},tool.png")
    who = ("-c", "user.name=lin", "-c", "user.email=lin@example.com")
    sha = await git.text(*who, "commit-tree", await git.text("write-tree"), "-m", "executable")
    await git.text("update-ref", "refs/heads/master", sha)
    await bench.source.fetch_base(SHOP, f"{bench.gitee.url}/team/shop.git", sha)

    checkout = await bench.source.checkout(SHOP, sha, trusted=True)

    async with bench.source.archive(SHOP, checkout.sha) as path:
        with tarfile.open(fileobj=io.BytesIO(path.read_bytes())) as tar:
            tool = tar.getmember("tool.png")
    assert (tool.mode & 0o111, tool.size) == (0o111, len(LOGO))


@pytest.mark.parametrize("attributes", ["", "*.txt text\n", "*.png lfs\n"])
async def test_pointers_that_git_does_not_track_stay(bench: Bench, attributes: str) -> None:
    sha = await commit(bench, {".gitattributes": attributes, "logo.png": pointer(LOGO)}, LOGO)

    assert await bench.source.checkout(SHOP, sha, trusted=True) == Checkout(sha)


async def test_what_gitee_does_not_have_is_named_beside_what_it_has(bench: Bench) -> None:
    files = {"logo.png": pointer(LOGO), "gone.png": pointer(b"gone"), "Dir/also.png": pointer(b"gone")}
    sha = await commit(bench, files, LOGO)

    checkout = await bench.source.checkout(SHOP, sha, trusted=True)

    assert checkout.missing == dict.fromkeys(("gone.png", "Dir/also.png"), Obstacle.NO_CONTENT)
    assert (await bench.files(checkout))["logo.png"] == LOGO

    bench.gitee.add_lfs_object("team/shop", b"gone")
    again = await bench.source.checkout(SHOP, sha, trusted=True)
    assert not again.missing
    assert (await bench.files(again))["gone.png"] == b"gone"


async def test_another_server_in_lfsconfig_is_not_asked(bench: Bench) -> None:
    elsewhere = "[lfs]\n\turl = http://127.0.0.1:1/lfs\n"
    sha = await commit(
        bench, {".lfsconfig": elsewhere, "logo.png": pointer(LOGO), "b.png": pointer(PHOTO)}, LOGO
    )

    checkout = await bench.source.checkout(SHOP, sha, trusted=True)

    assert checkout.missing == {"b.png": Obstacle.NO_CONTENT}
    assert (await bench.files(checkout))["logo.png"] == LOGO


async def test_files_beyond_the_limit_are_named_and_the_smallest_fetched(bench: Bench) -> None:
    sha = await commit(bench, {"logo.png": pointer(LOGO), "photo.png": pointer(PHOTO)}, LOGO, PHOTO)
    bench.limited(len(LOGO))
    await bench.source.fetch_base(SHOP, f"{bench.gitee.url}/team/shop.git", sha)

    checkout = await bench.source.checkout(SHOP, sha, trusted=True)

    assert checkout.missing == {"logo.png": Obstacle.TOO_LARGE}
    assert await bench.source.read(SHOP, checkout.sha, "photo.png") == PHOTO


async def test_only_so_many_files_are_fetched(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lfs, "MOST", 1)
    sha = await commit(bench, {"a.png": pointer(LOGO), "b.png": pointer(LOGO)}, LOGO)

    assert (await bench.source.checkout(SHOP, sha, trusted=True)).missing == {
        "b.png": Obstacle.TOO_MANY_FILES
    }


async def test_a_gitee_without_lfs_is_named(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    answering(bench, monkeypatch, lambda *_: web.Response(status=501))
    sha = await commit(bench, {"logo.png": pointer(LOGO)})

    assert (await bench.source.checkout(SHOP, sha, trusted=True)).missing == {"logo.png": Obstacle.NO_LFS}


@pytest.mark.parametrize("status", [500, 503])
async def test_an_outage_of_lfs_is_waited_for(
    bench: Bench, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    answering(bench, monkeypatch, lambda *_: web.Response(status=status))
    sha = await commit(bench, {"logo.png": pointer(LOGO)})

    with pytest.raises(RetryLater):
        await bench.source.checkout(SHOP, sha, trusted=True)


async def test_an_outage_during_a_download_is_waited_for(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def download(*_: Any) -> web.Response:
        return web.Response(status=503)

    monkeypatch.setattr(bench.gitee.lfs, "download", download)
    sha = await commit(bench, {"logo.png": pointer(LOGO)}, LOGO)

    with pytest.raises(RetryLater):
        await bench.source.checkout(SHOP, sha, trusted=True)


@pytest.mark.attack
@pytest.mark.parametrize("body", ["", "[]", "{", '{"objects": [1, {"oid": 1}, {}]}', "[" * 100_000])
async def test_an_unreadable_answer_offers_nothing(
    bench: Bench, body: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    answering(bench, monkeypatch, lambda *_: web.Response(text=body))
    sha = await commit(bench, {"logo.png": pointer(LOGO)})

    assert (await bench.source.checkout(SHOP, sha, trusted=True)).missing == {"logo.png": Obstacle.NO_CONTENT}


@pytest.mark.attack
@pytest.mark.parametrize(
    "href",
    [
        "http://127.0.0.1:1/x",
        "https://elsewhere.example.com/x",
        "file:///etc/passwd",
        "//x",
        "http://[",
        "/x",
    ],
)
async def test_no_other_host_is_asked_for_contents(
    bench: Bench, href: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def elsewhere(_: web.Request, asked: Any) -> web.Response:
        objects = [{**one, "actions": {"download": {"href": href}}} for one in asked["objects"]]
        return web.json_response({"objects": objects})

    answering(bench, monkeypatch, elsewhere)
    sha = await commit(bench, {"logo.png": pointer(LOGO)})

    assert (await bench.source.checkout(SHOP, sha, trusted=True)).missing == {
        "logo.png": Obstacle.CONTENT_ELSEWHERE
    }


@pytest.mark.attack
@pytest.mark.parametrize(
    ("href", "fits"),
    [
        ("https://gitee.example.com:8443/x", True),
        ("https://GITEE.example.com:8443/x", True),
        ("http://gitee.example.com:8443/x", False),
        ("https://gitee.example.com/x", False),
        ("https://gitee.example.com:8444/x", False),
        ("https://gitee.example.com.evil.example.com:8443/x", False),
        ("https://a@gitee.example.com:8443/x", False),
        (f"https://gitee.example.com:8443/{'x' * 8192}", False),
        ("https://gitee.example.com:8443/\n", False),
    ],
)
def test_only_the_very_address_of_gitee_is_taken(href: str, fits: bool) -> None:  # noqa: FBT001 - a case
    content = lfs.Content("a" * 64, 1)
    objects = [{"oid": content.oid, "actions": {"download": {"href": href}}}]
    answer = json.dumps({"objects": objects}).encode()
    found = lfs.offered(answer, [content], urlsplit("https://gitee.example.com:8443"))
    assert found == {content: lfs.Download(href, {}) if fits else Obstacle.CONTENT_ELSEWHERE}


@pytest.mark.attack
async def test_no_more_is_read_than_the_pointer_says(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    sent = 0

    async def download(request: web.Request, _: Any) -> web.StreamResponse:
        nonlocal sent
        answer = web.StreamResponse()
        await answer.prepare(request)
        with suppress(ConnectionError):
            for _ in range(ENDLESS):
                await answer.write(bytes(1 << 20))
                sent += 1
        return answer

    monkeypatch.setattr(bench.gitee.lfs, "download", download)
    sha = await commit(bench, {"logo.png": pointer(LOGO)}, LOGO)

    assert (await bench.source.checkout(SHOP, sha, trusted=True)).missing == {"logo.png": Obstacle.REFUSED}
    assert sent < ENDLESS


async def test_the_headers_that_gitee_asks_for_are_sent(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str | None] = []

    def signed(request: web.Request, asked: Any) -> web.Response:
        href = f"{request.url.origin()}/team/shop.git/info/lfs/objects/signed"
        action = {"href": href, "header": {"X-Key": "k", "X-Bad": "a\nb", "X-名": "c"}}
        objects = [{**one, "actions": {"download": action}} for one in asked["objects"]]
        return web.json_response({"objects": objects})

    async def download(request: web.Request, _: Any) -> web.Response:
        seen.extend((request.headers.get("X-Key"), request.headers.get("X-Bad")))
        return web.Response(body=PHOTO)

    answering(bench, monkeypatch, signed)
    monkeypatch.setattr(bench.gitee.lfs, "download", download)
    sha = await commit(bench, {"photo.png": pointer(PHOTO)})

    assert not (await bench.source.checkout(SHOP, sha, trusted=True)).missing
    assert seen == ["k", None]


@pytest.mark.attack
@pytest.mark.parametrize("size", [len(LOGO) - 1, len(LOGO)])
async def test_only_the_content_of_the_pointer_is_used(bench: Bench, size: int) -> None:
    named = pointer(LOGO, size)
    sha = await commit(bench, {"logo.png": named}, LOGO)
    folder = bench.gitee.lfs.folder(bench.gitee.repository("team/shop"))
    (folder / hashlib.sha256(LOGO).hexdigest()).write_bytes(LOGO[:-1] + b"x")

    checkout = await bench.source.checkout(SHOP, sha, trusted=True)

    assert checkout.missing == {"logo.png": Obstacle.REFUSED}
    assert await bench.source.read(SHOP, checkout.sha, "logo.png") == named.encode()


@pytest.mark.attack
async def test_a_redirect_is_not_followed(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    async def download(request: web.Request, _: Any) -> web.Response:
        if "elsewhere" in request.query:
            return web.Response(body=LOGO)
        return web.Response(status=302, headers={"Location": f"{request.url}?elsewhere"})

    monkeypatch.setattr(bench.gitee.lfs, "download", download)
    sha = await commit(bench, {"logo.png": pointer(LOGO)}, LOGO)

    assert (await bench.source.checkout(SHOP, sha, trusted=True)).missing == {"logo.png": Obstacle.NO_CONTENT}


@pytest.mark.attack
async def test_without_a_token_a_private_repository_has_no_contents(bench: Bench) -> None:
    sha = await commit(bench, {"logo.png": pointer(LOGO)}, LOGO)
    bench.source = GitSource(bench.folder / "cache", bench.gitee.url)

    assert (await bench.source.checkout(SHOP, sha, trusted=True)).missing == {"logo.png": Obstacle.NO_LFS}


@pytest.mark.parametrize(
    ("text", "known"),
    [
        (pointer(LOGO), True),
        (pointer(LOGO).replace("oid", "ext-0-a sha256:1\noid"), True),
        (pointer(LOGO).replace("sha256", "md5"), False),
        (pointer(LOGO, 10**18), False),
        (pointer(LOGO).strip(), False),
        (pointer(LOGO) + "x\n", False),
        ("", False),
    ],
)
def test_a_pointer_is_read(text: str, known: bool) -> None:  # noqa: FBT001 - a case of the table
    assert (lfs.pointer(text.encode()) is not None) is known
    assert lfs.pointer(None) is None


@pytest.mark.attack
def test_only_regular_files_can_be_pointers() -> None:
    modes = ("100644 blob", "100755 blob", "120000 blob", "160000 commit")
    sizes = ("1", "1024", "1", "-")
    listing = "".join(f"{mode} {'a' * 40} {size}\t{mode}\0" for mode, size in zip(modes, sizes, strict=True))
    assert [file.mode for file in lfs.small_files(listing.encode())] == [b"100644", b"100755"]
    assert not list(lfs.small_files(f"100644 blob {'a' * 40} 1025\tx\0".encode()))


def test_paths_are_asked_for_in_groups() -> None:
    files = [lfs.SmallFile(b"x" * size, b"100644") for size in (10, 10, 500, 1)]
    assert [len(group) for group in lfs.batches(files, 64)] == [2, 1, 1]
    assert list(lfs.batches([], 64)) == []
