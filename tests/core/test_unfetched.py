"""What a commit refers to but does not contain."""

import pytest

from bot.core.deciding.unfetched import EXAMINED, SHOWN, facts, inside, is_pointer, lfs_files
from bot.model.forge import Obstacle

FILES = ("app/logo.png", "app/main.py", "data/big.bin", "data/small.bin", "readme.md")


@pytest.mark.parametrize(
    ("attributes", "found"),
    [
        ("", ()),
        ("* text=auto\n", ()),
        ("*.png filter=lfs diff=lfs merge=lfs -text\n", ("app/logo.png",)),
        ("*.png filter=lfs\ndata/** filter=lfs\n", ("app/logo.png", "data/big.bin", "data/small.bin")),
        ("*.bin filter=lfs\ndata/small.bin -filter\n", ("data/big.bin",)),
        ("*.bin filter=lfs\n*.bin filter=crypt\n", ()),
        ("*.bin filter=lfs\n*.bin !filter\n", ()),
        ("# *.bin filter=lfs\n[attr]big filter=lfs\n\n  \n", ()),
        ("*.bin diff=lfs\n", ()),
    ],
)
def test_attributes_put_files_into_lfs(attributes: str, found: tuple[str, ...]) -> None:
    assert lfs_files(attributes, FILES) == found


def test_only_some_files_are_examined() -> None:
    assert len(lfs_files("* filter=lfs\n", [f"{n}.bin" for n in range(500)])) == EXAMINED


@pytest.mark.parametrize(
    ("content", "pointer"),
    [
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 3\n", True),
        (b"\x89PNG", False),
        (b"", False),
        (None, False),
    ],
)
def test_a_pointer_is_told_from_a_file(content: bytes | None, *, pointer: bool) -> None:
    assert is_pointer(content) is pointer


@pytest.mark.parametrize(
    ("context", "found"),
    [
        (".", ("app/lib", "app/logo.png", "apple/x")),
        ("app", ("app/lib", "app/logo.png")),
        ("./app/", ("app/lib", "app/logo.png")),
        ("web", ()),
    ],
)
def test_only_what_the_build_would_have_counts(context: str, found: tuple[str, ...]) -> None:
    assert inside(context, ("app/lib", "app/logo.png", "apple/x")) == found


def test_the_obstacle_to_remove_first_is_told_with_its_paths() -> None:
    missing = {"a": Obstacle.IN_LFS, "b": Obstacle.ELSEWHERE, "c": Obstacle.ELSEWHERE}

    assert facts(".", missing) == {"unfetched": "b, c", "obstacle": "elsewhere"}
    assert facts("a", {"a/x": Obstacle.IN_LFS, "b": Obstacle.ELSEWHERE})["unfetched"] == "a/x"
    assert facts("web", missing) == facts(".", {}) == {}
    many = facts(".", {f"f{n}": Obstacle.IN_LFS for n in range(9)})
    assert many["unfetched"].count(",") == SHOWN - 1
