"""The recipes are the files that tests/recipes plays, the comments that it gets, and valid configurations."""

from pathlib import Path

import pytest
from markdown_it.token import Token

from bot.model.pipeline import Pipeline
from bot.model.text import Language
from bot.pipeline import config_file
from tests.docs.documents import ROOT, Document
from tests.recipes.recipe import RECIPES

PAGES = {Language.EN: ROOT / "docs/recipes.md", Language.ZH: ROOT / "docs/recipes.zh.md"}
KNOWN = frozenset({"build", "deploy", "test", "teardown"})
ALL = pytest.mark.parametrize("language", Language)


def blocks(page: Path, kind: str) -> list[str]:
    """Return the code blocks of a language."""
    return [block.content for block in code(page) if block.info == kind]


def code(page: Path) -> list[Token]:
    return [token for token in Document.read(page).tokens if token.type == "fence"]


def played(*names: str) -> list[str]:
    """Return the texts of the files with these names in the repositories that are played."""
    files = [recipe.folder / name for recipe in RECIPES for name in names]
    return [file.read_text("utf-8") for file in files if file.exists()]


@ALL
def test_every_repository_is_shown_as_it_is_played(language: Language) -> None:
    shown = blocks(PAGES[language], "yaml")
    expected = played(".chatops.yml", "docker-compose.yml")

    assert len(expected) == len(RECIPES)
    assert [text for text in expected if text not in shown] == []


@ALL
def test_every_other_configuration_is_valid(language: Language) -> None:
    compose = next(recipe for recipe in RECIPES if recipe.name == "compose").folder
    files = {file.name: file.read_bytes() for file in compose.iterdir() if file.is_file()} | dict.fromkeys(
        (".env", ".env.example", ".env.sample")
    )
    for text in blocks(PAGES[language], "yaml"):
        if text not in played("docker-compose.yml"):
            found = config_file.read(text.encode(), file="f", ref="r", known_commands=KNOWN, files=files)
            assert isinstance(found, Pipeline), f"{text}\n{found}"


@ALL
@pytest.mark.parametrize(("kind", "name"), [("dockerfile", "Dockerfile"), ("ini", ".npmrc")])
def test_other_files_are_those_that_are_played(language: Language, kind: str, name: str) -> None:
    shown = blocks(PAGES[language], kind)

    assert shown
    assert [text for text in shown if text not in played(name)] == []


@ALL
def test_the_code_of_the_browser_is_played(language: Language) -> None:
    (shown,) = blocks(PAGES[language], "python")
    test = next(recipe for recipe in RECIPES if recipe.name == "browser_tests").folder / "tests/test_cart.py"

    assert shown in test.read_text("utf-8")


@ALL
def test_comments_are_those_that_the_bot_writes(language: Language) -> None:
    golden = [
        (ROOT / f"tests/golden/recipes/{recipe.name}.{language}.md").read_text("utf-8") for recipe in RECIPES
    ]
    for shown in blocks(PAGES[language], "markdown"):
        assert any(shown in text for text in golden), shown


def test_both_languages_show_the_same_files() -> None:
    en, zh = ([one.content for one in code(page) if one.info != "markdown"] for page in PAGES.values())

    assert en == zh
