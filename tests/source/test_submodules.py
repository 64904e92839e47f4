"""Submodules of hostile and honest commits, fetched from an offline Gitee over HTTP."""

import io
import tarfile
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from bot.core.admission.served import serves
from bot.gitee import submodules
from bot.gitee.source import GitSource
from bot.model.errors import RetryLater, TellUser
from bot.model.forge import Checkout, Obstacle, RepoPath
from bot.model.reason import Reason
from playground.git_repositories import Files, Gitlink
from playground.server import OfflineGitee

SHOP = RepoPath("team", "shop")
ALLOWED = ("team/*", "open/*", "!team/payroll")


@dataclass
class Bench:
    """An offline Gitee with repositories, and a source that fetches from it with the bot's account."""

    gitee: OfflineGitee
    folder: Path
    source: GitSource

    def limited(self, limit: int) -> None:
        """Replace the source by one with a smaller limit."""
        self.source = GitSource(
            self.folder / "limited",
            self.gitee.url,
            self.gitee.token("bot"),
            limit=limit,
            serves=partial(serves, ALLOWED),
        )

    async def add(self, name: str, files: Files, *, private: bool = False) -> str:
        """Add a repository with one commit, and return the commit's id."""
        await self.gitee.add_repository(name, files, private=private, members={"lin": "admin", "bot": "read"})
        return await self.gitee.forge.git(self.gitee.repository(name)).text("rev-parse", "master")

    async def shop(self, links: Mapping[str, tuple[str, str]], **more: str) -> str:
        """Add the repository whose submodules have these addresses and commits by path; fetch its commit."""
        sha = await self.add("team/shop", modules(links) | {"a.txt": "a\n"} | more, private=True)
        await self.source.fetch_base(SHOP, f"{self.gitee.url}/team/shop.git", sha)
        return sha

    async def files(self, checkout: Checkout) -> dict[str, bytes]:
        """Return the files of the archive."""
        async with self.source.archive(SHOP, checkout.sha) as path:
            with tarfile.open(fileobj=io.BytesIO(path.read_bytes())) as tar:
                found = {member.name: tar.extractfile(member) for member in tar.getmembers()}
                return {name: file.read() for name, file in found.items() if file is not None}


def modules(links: Mapping[str, tuple[str, str]]) -> dict[str, str]:
    """Return the files with which a commit has submodules."""
    text = "".join(
        f'[submodule "{path}"]\n\tpath = {path}\n\turl = "{url}"\n' for path, (url, _) in links.items()
    )
    return {".gitmodules": text} | {path: Gitlink(sha) for path, (_, sha) in links.items()}


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    """Run an offline Gitee with the bot and one person."""
    async with OfflineGitee(tmp_path / "gitee") as gitee:
        gitee.add_user("lin")
        gitee.add_user("bot")
        source = GitSource(tmp_path / "cache", gitee.url, gitee.token("bot"), serves=partial(serves, ALLOWED))
        yield Bench(gitee, tmp_path, source)


@pytest.mark.parametrize("trusted", [True, False])
async def test_public_submodules_are_in_the_archive(bench: Bench, *, trusted: bool) -> None:
    icons = await bench.add("open/icons", {"star.svg": "star\n"})
    ui = await bench.add("open/ui", modules({"deep/icons": ("../icons.git", icons)}) | {"ui.js": "ui\n"})
    host = urlsplit(bench.gitee.url).hostname
    links = {"libs/ui": ("../../open/ui", ui), "icons": (f"git@{host}:open/icons.git", icons)}
    sha = await bench.shop(links, **{"libs/own.js": "own\n"})

    checkout = await bench.source.checkout(SHOP, sha, trusted=trusted)

    assert not checkout.missing
    found = await bench.files(checkout)
    assert found["a.txt"] == b"a\n"
    assert found["libs/own.js"] == b"own\n"
    assert found["libs/ui/ui.js"] == b"ui\n"
    assert found["libs/ui/deep/icons/star.svg"] == found["icons/star.svg"] == b"star\n"
    assert await bench.source.read(SHOP, checkout.sha, "libs/ui/ui.js") == b"ui\n"
    async with bench.source.archive(SHOP, checkout.sha, "libs/ui") as path:
        with tarfile.open(fileobj=io.BytesIO(path.read_bytes())) as tar:
            assert "ui.js" in tar.getnames()
    assert await bench.source.checkout(SHOP, sha, trusted=trusted) == checkout


async def test_a_commit_without_submodules_is_complete(bench: Bench) -> None:
    sha = await bench.shop({})

    assert await bench.source.checkout(SHOP, sha, trusted=True) == Checkout(sha)
    with pytest.raises(RetryLater):
        await bench.source.checkout(SHOP, "1" * 40, trusted=True)


async def test_what_can_be_fetched_is_there_beside_what_cannot(bench: Bench) -> None:
    ui = await bench.add("open/ui", {"ui.js": "ui\n"})
    links = {
        "ui": ("../../open/ui", ui),
        "gone": ("../../open/ui", "1" * 40),
        "none": ("../none.git", ui),
        "pay": ("../payroll", ui),
        "far": ("https://elsewhere.example.com/open/ui.git", ui),
    }
    sha = await bench.shop(links, lost=Gitlink(ui))

    checkout = await bench.source.checkout(SHOP, sha, trusted=True)

    assert checkout.missing == {
        "gone": Obstacle.NO_COMMIT,
        "none": Obstacle.NOT_READABLE,
        "pay": Obstacle.NOT_SERVED,
        "far": Obstacle.ELSEWHERE,
        "lost": Obstacle.NO_ADDRESS,
    }
    assert (await bench.files(checkout))["ui/ui.js"] == b"ui\n"


async def test_without_a_valid_gitmodules_there_is_no_address(bench: Bench) -> None:
    ui = await bench.add("open/ui", {"ui.js": "ui\n"})
    sha = await bench.shop({"ui": ("../../open/ui", ui)}, **{".gitmodules": "[submodule\n"})

    assert (await bench.source.checkout(SHOP, sha, trusted=True)).missing == {"ui": Obstacle.NO_ADDRESS}


async def test_a_gitee_that_is_away_is_asked_again_later(bench: Bench) -> None:
    sha = await bench.shop({"ui": ("../../open/ui", "1" * 40)})
    await bench.gitee.stop()

    with pytest.raises(RetryLater) as caught:
        await bench.source.checkout(SHOP, sha, trusted=True)

    assert caught.value.reason is Reason.GIT_UNAVAILABLE


@pytest.mark.attack
async def test_only_a_trusted_commit_gets_a_private_submodule(bench: Bench) -> None:
    secret = await bench.add("team/secret", {"secret.txt": "secret\n"}, private=True)
    sha = await bench.shop({"secret": ("../secret", secret)})

    refused = await bench.source.checkout(SHOP, sha, trusted=False)
    trusted = await bench.source.checkout(SHOP, sha, trusted=True)

    assert refused == Checkout(sha, {"secret": Obstacle.NOT_PUBLIC})
    assert (await bench.files(trusted))["secret/secret.txt"] == b"secret\n"
    # What the cache has by now does not change it.
    assert await bench.source.checkout(SHOP, sha, trusted=False) == refused


@pytest.mark.attack
async def test_a_private_commit_in_the_cache_is_not_served_by_the_name_of_a_public_repository(
    bench: Bench,
) -> None:
    secret = await bench.add("team/secret", {"secret.txt": "secret\n"}, private=True)
    await bench.add("open/ui", {"ui.js": "ui\n"})
    sha = await bench.shop({"secret": ("../secret", secret)})
    await bench.source.checkout(SHOP, sha, trusted=True)
    forged = await bench.gitee.commit(
        "team/shop", "master", modules({"x": ("../../open/ui", secret)}), by="lin", message="Forge"
    )
    await bench.source.fetch_base(SHOP, f"{bench.gitee.url}/team/shop.git", forged)

    checkout = await bench.source.checkout(SHOP, forged, trusted=False)

    assert checkout.missing["x"] is Obstacle.NO_COMMIT
    assert "secret\n" not in str((await bench.files(checkout)).values())


@pytest.mark.attack
async def test_submodules_larger_than_the_limit_end_the_fetch(bench: Bench) -> None:
    noise = bytes(range(256)) * 3
    blob = b"".join(bytes(b ^ (n * 7 % 251) for b in noise) for n in range(400))
    big = await bench.add("open/big", {"big": blob})
    bench.limited(1 << 10)
    sha = await bench.shop({"big": ("../../open/big", big)})

    with pytest.raises(TellUser) as caught:
        await bench.source.checkout(SHOP, sha, trusted=True)

    assert caught.value.reason is Reason.SOURCE_TOO_LARGE
    assert not list((bench.folder / "limited/.scratch").iterdir())


@pytest.mark.attack
async def test_the_number_and_depth_of_submodules_are_bounded(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    sha = await bench.add("open/level0", {"end.txt": "end\n"})
    for level in range(1, submodules.DEEPEST + 1):
        sha = await bench.add(f"open/level{level}", modules({"in": (f"../level{level - 1}", sha)}))
    top = await bench.shop({"in": (f"../../open/level{submodules.DEEPEST}", sha)})

    deep = await bench.source.checkout(SHOP, top, trusted=False)
    monkeypatch.setattr("bot.gitee.submodules.MOST", 2)
    many = await bench.source.checkout(SHOP, top, trusted=False)

    assert deep.missing == {"in/in/in/in/in": Obstacle.TOO_MANY}
    assert many.missing == {"in/in/in": Obstacle.TOO_MANY}


@pytest.mark.attack
async def test_one_submodule_at_many_places_on_many_levels_is_bounded(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    sha = await bench.add("open/level0", {"end.txt": "end\n"})
    for level in range(1, 4):
        same = {f"at{place}": (f"../level{level - 1}", sha) for place in range(5)}
        sha = await bench.add(f"open/level{level}", modules(same))
    top = await bench.shop({"in": ("../../open/level3", sha)})
    monkeypatch.setattr("bot.gitee.submodules.MOST", 12)
    monkeypatch.setattr("bot.gitee.submodules.EXAMINED", 7)

    found = await bench.source.checkout(SHOP, top, trusted=False)

    there = await bench.files(found)
    assert len([path for path in there if path.endswith(("end.txt", ".gitmodules"))]) == 1 + 12
    assert len(found.missing) == 7
    assert set(found.missing.values()) == {Obstacle.TOO_MANY}


@pytest.mark.attack
@pytest.mark.parametrize("path", ["a/" * (submodules.DEEPEST_FOLDER + 1) + "ui", "x" * 200 + "/" + "y" * 50])
async def test_a_submodule_with_a_deep_or_long_path_is_missing(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    monkeypatch.setattr("bot.gitee.submodules.LONGEST_PATH", 240)
    sha = await bench.add("open/ui", {"end.txt": "end\n"})
    top = await bench.shop({path: ("../../open/ui", sha)})

    found = await bench.source.checkout(SHOP, top, trusted=False)

    assert found.missing == {path[:240]: Obstacle.TOO_MANY}


@pytest.mark.attack
@pytest.mark.parametrize(
    "address",
    [
        *("file:///etc", "/etc", "ext::sh -c id", "https://elsewhere.example.com/open/ui.git"),
        *("ORIGIN@elsewhere.example.com/open/ui", "http://oauth2:secret@HOST/open/ui.git"),
        *("ORIGIN/open/../team/shop", "ORIGIN/open/ui.git?x=1", "ORIGIN/open/ui#x", "ORIGIN/open/u%69"),
        *("git@elsewhere.example.com:open/ui.git", "ssh://git:x@HOST/open/ui", "ssh://root@HOST/open/ui"),
        *("../../../open/ui", "../../../../open/ui", "../ui/../../open/ui", "ORIGIN/open/ui\\\\x", ""),
        *("ORIGIN/open/--upload-pack=x", "ftp://HOST/open/ui", "http://[/open/ui"),
    ],
)
async def test_no_other_address_is_contacted(bench: Bench, address: str) -> None:
    ui = await bench.add("open/ui", {"ui.js": "ui\n"})
    url = address.replace("ORIGIN", bench.gitee.url).replace("HOST", urlsplit(bench.gitee.url).netloc)
    sha = await bench.shop({"ui": (url, ui)})

    checkout = await bench.source.checkout(SHOP, sha, trusted=True)

    assert checkout == Checkout(sha, {"ui": Obstacle.ELSEWHERE})


@pytest.mark.parametrize(
    ("address", "found"),
    [
        ("https://gitee.example/open/ui.git", RepoPath("open", "ui")),
        ("http://GITEE.example/open/ui/", RepoPath("open", "ui")),
        ("ssh://git@gitee.example:2222/open/ui.git", RepoPath("open", "ui")),
        ("git@gitee.example:open/ui.git", RepoPath("open", "ui")),
        ("git@gitee.example:/open/ui.git", None),
        ("../ui.git", RepoPath("team", "ui")),
        ("./../ui", RepoPath("team", "ui")),
        ("../../open/ui", RepoPath("open", "ui")),
        ("./ui", None),
        ("../../../ui", None),
        ("https://gitee.example/open/ui\n", None),
        ("../..", None),
        ("https://gitee.example/ui", None),
        ("https://gitee.example:8443/open/ui", None),
    ],
)
def test_addresses_mean_repositories(address: str, found: RepoPath | None) -> None:
    assert submodules.locate(address, SHOP, urlsplit("https://gitee.example")) == found


def test_odd_sections_of_gitmodules_are_skipped() -> None:
    config = (
        b"core.x\ny\0submodule.a.path\nlib/\0submodule.a.url\nA\0submodule.b.path\nx\0submodule.c.url\nC\0"
    )

    assert submodules.addresses(config) == {b"lib": "A"}
