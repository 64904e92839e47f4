import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core import paths
from bot.model.pipeline import PathFilter


@pytest.mark.parametrize(
    ("pattern", "file"),
    [
        ("**", "a/b/c.py"),
        ("*", "a/b/c.py"),
        ("*.md", "README.md"),
        ("*.md", "docs/deep/x.md"),
        ("**/*.md", "README.md"),
        ("docs/", "docs/a/b.txt"),
        ("docs/", "sub/docs/b.txt"),
        ("docs", "docs/b.txt"),
        ("docs", "docs"),
        ("docs/**", "docs/a/b.txt"),
        ("/docs/", "docs/x"),
        ("./docs/", "docs/x"),
        ("src/*.py", "src/a.py"),
        ("src/**/test_*.py", "src/test_a.py"),
        ("src/**/test_*.py", "src/a/b/test_a.py"),
        ("a/**/b/**/c", "a/x/b/y/z/c"),
        ("file?.txt", "file1.txt"),
        ("[ab].txt", "b.txt"),
        ("文档/", "文档/说明.md"),
    ],
)
def test_a_pattern_covers(pattern: str, file: str) -> None:
    assert paths.covers(pattern, file)


@pytest.mark.parametrize(
    ("pattern", "file"),
    [
        ("*.md", "README.mdx"),
        ("docs/", "docs"),
        ("docs/**", "docs"),
        ("/docs/", "sub/docs/x"),
        ("src/*.py", "src/deep/a.py"),
        ("src/*.py", "other/src/a.py"),
        ("docs", "docs2/a"),
        ("*.MD", "a.md"),
        ("a/**/b", "a/x/c"),
        ("file?.txt", "file/.txt"),
    ],
)
def test_a_pattern_does_not_cover(pattern: str, file: str) -> None:
    assert not paths.covers(pattern, file)


def test_a_file_matches_when_it_is_included_and_not_ignored() -> None:
    chosen = PathFilter(include=("src/", "Dockerfile"), ignore=("**/*.md",))

    assert paths.matches(chosen, ["README.md", "src/a.py"])
    assert not paths.matches(chosen, ["src/notes.md", "docs/a.py"])


def test_an_exclamation_mark_excludes_files() -> None:
    chosen = PathFilter(ignore=("docs/", "!docs/conf.py"))

    assert paths.matches(chosen, ["docs/conf.py"])
    assert not paths.matches(chosen, ["docs/index.md"])


@pytest.mark.parametrize("files", [(), ("README.md",) * paths.LISTED])
def test_an_incomplete_list_of_files_matches(files: tuple[str, ...]) -> None:
    assert paths.matches(PathFilter(ignore=("*.md",)), files)


@given(st.text(max_size=30), st.text(max_size=30))
def test_any_text_is_a_pattern(pattern: str, file: str) -> None:
    assert paths.covers(pattern, file) in {True, False}


def test_a_pattern_full_of_stars_is_decided_at_once() -> None:
    assert not paths.covers("a/" + "**/" * 60 + "b", "a/" * 200 + "c")
    assert not paths.covers("*a" * 60 + "b", "a" * 200)
