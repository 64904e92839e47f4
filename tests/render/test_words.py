"""The templates of both languages have the same files, words and macros."""

import re
from pathlib import Path
from typing import Any, get_args

import pytest
from jinja2 import Environment

from bot.model.plan import StepName
from bot.model.text import Language, Text
from bot.model.views import View
from bot.render.renderer import TemplateRenderer, template_name
from tests.render.view_samples import VIEWS

ROOT = Path(__file__).parents[2]
TEMPLATES = ROOT / "comment_templates"
BOTH = pytest.mark.parametrize("language", list(Language))


def environment(language: Language) -> Environment:
    return TemplateRenderer(TEMPLATES)._built_in[language]


def module(language: Language, name: str) -> Any:
    return environment(language).get_template(name).module


def test_both_languages_have_the_same_files() -> None:
    names = [{file.name for file in (TEMPLATES / language).iterdir()} for language in Language]

    assert names[0] == names[1]


def test_every_view_has_a_sample() -> None:
    assert {type(view) for view in VIEWS.values()} == set(get_args(View)) - {Text}


def test_every_template_has_a_golden_file() -> None:
    reviewed = {template_name(view) for view in VIEWS.values()}
    of_commands = [file.name for file in (ROOT / "tests" / "golden" / "commands").iterdir()]

    for file in (TEMPLATES / "en").glob("[!_]*"):
        stem = file.name.removesuffix(".md.j2")
        assert file.name in reviewed or any(re.match(rf"{stem}[._]", name) for name in of_commands), stem


@BOTH
@pytest.mark.parametrize("table", ["running", "failed", "broken"])
def test_every_step_has_a_verdict(table: str, language: Language) -> None:
    assert set(getattr(module(language, "_verdict.md.j2"), table)) == set(get_args(StepName))


def test_both_languages_have_the_same_words_and_macros() -> None:
    for file in ("_words.md.j2", "_verdict.md.j2"):
        zh, en = (vars(module(language, file)).keys() for language in (Language.ZH, Language.EN))
        assert zh == en
