import io
import tarfile
from pathlib import Path

import pytest

from bot.model.errors import TellUser, TooExpensive
from bot.model.reason import Reason
from bot.runners.docker import context
from bot.runners.docker.context import chunks, filtered, patterns, write_filtered
from bot.sandbox.process import ProcessSandbox
from tests.real.parts import tar


async def names(folder: Path, content: bytes, dockerfile: str = "Dockerfile") -> set[str]:
    """Return the names of the files that are sent."""
    source = folder / "context.tar"
    source.write_bytes(content)
    async with filtered(source, dockerfile, ProcessSandbox()) as sent:
        with tarfile.open(sent) as found:
            return set(found.getnames())


async def test_a_context_without_dockerignore_is_sent_unchanged(tmp_path: Path) -> None:
    source = tmp_path / "context.tar"
    source.write_bytes(tar({"Dockerfile": "", "a": ""}))

    async with filtered(source, "Dockerfile", ProcessSandbox()) as sent:
        assert sent == source


async def test_the_copy_is_removed_afterwards(tmp_path: Path) -> None:
    source = tmp_path / "context.tar"
    source.write_bytes(tar({".dockerignore": "a", "a": ""}))

    async with filtered(source, "Dockerfile", ProcessSandbox()) as sent:
        assert sent.exists()

    assert not sent.exists()


@pytest.mark.parametrize(
    ("ignored", "sent"),
    [
        ("*", set()),
        ("*\n!src", {"src/a.py", "src/b.pyc"}),
        ("**/*.pyc", {"src/a.py", "top.md"}),
        ("/src/", {"top.md", "top.pyc"}),
        ("# src\n\n  top.*  \n", {"src/a.py", "src/b.pyc"}),
        ("\ufeffsrc", {"top.md", "top.pyc"}),
        ("src\n!src/a.py", {"src/a.py", "top.md", "top.pyc"}),
    ],
)
async def test_patterns_work_as_with_docker_build(tmp_path: Path, ignored: str, sent: set[str]) -> None:
    files = {"src/a.py": "", "src/b.pyc": "", "top.md": "", "top.pyc": "", "Dockerfile": ""}

    found = await names(tmp_path, tar({".dockerignore": ignored, **files}))

    assert found == {".dockerignore", "Dockerfile", *sent}


async def test_a_dockerfile_may_have_its_own_ignore_file(tmp_path: Path) -> None:
    files = {".dockerignore": "a", "docker/app.dockerignore": "b", "a": "", "b": "", "docker/app": ""}

    assert "b" not in await names(tmp_path, tar(files), "docker/app")
    assert "a" in await names(tmp_path, tar(files), "docker/app")


@pytest.mark.attack
async def test_invalid_patterns_are_reported(tmp_path: Path) -> None:
    with pytest.raises(TellUser) as caught:
        await names(tmp_path, tar({".dockerignore": "[z-a]", "a": ""}))

    assert caught.value.reason is Reason.DOCKERFILE_INVALID
    assert ".dockerignore" in caught.value.facts["message"]


@pytest.mark.attack
async def test_slow_patterns_are_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(context, "SECONDS", 1)
    slow = "*a" * 40 + "b"

    with pytest.raises(TooExpensive) as caught:
        await names(tmp_path, tar({".dockerignore": slow, "a" * 90: ""}))

    assert caught.value.facts == {"name": ".dockerignore", "seconds": "1", "limit": "512 MiB"}


async def test_an_invalid_tar_is_a_bug_and_not_reported_to_the_user(tmp_path: Path) -> None:
    with pytest.raises(tarfile.TarError):
        await names(tmp_path, b"no tar")


@pytest.mark.attack
def test_unsafe_members_are_not_copied(tmp_path: Path) -> None:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as made:
        for name in ("../up", "/etc/passwd", "a/../../b", "fine"):
            made.addfile(tarfile.TarInfo(name))
        link = tarfile.TarInfo("link")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        made.addfile(link)
    source, copy = tmp_path / "context.tar", tmp_path / "copy.tar"
    source.write_bytes(out.getvalue())

    write_filtered(source, copy, "Dockerfile")

    with tarfile.open(copy) as found:
        assert found.getnames() == ["fine", "link"]
        assert found.getmember("link").issym()
    assert b"ustar  \0" in copy.read_bytes()[:512]


def test_comments_and_empty_lines_are_not_patterns() -> None:
    assert patterns("# x\n\n a \n#b\n!c\n") == ["a", "!c"]


async def test_file_is_read_in_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(context, "CHUNK", 4)
    (tmp_path / "f").write_bytes(b"123456789")

    assert [piece async for piece in chunks(tmp_path / "f")] == [b"1234", b"5678", b"9"]
