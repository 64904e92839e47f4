"""Everything that the code can name has a text in both languages."""

import re
from enum import StrEnum
from pathlib import Path
from typing import Any, get_args

import pytest
from jinja2 import Environment

from bot.core.language.command import PermissionLevel
from bot.model.delivery import Trigger
from bot.model.environment import EnvironmentState
from bot.model.plan import StepName
from bot.model.reason import Reason
from bot.model.run import RunState, StepState
from bot.model.scan import Severity
from bot.model.text import Language, Text
from bot.model.views import View
from bot.render.renderer import TemplateRenderer, template_name
from tests.render.view_samples import VIEWS

ROOT = Path(__file__).parents[2]
TEMPLATES = ROOT / "comment_templates"
BOTH = pytest.mark.parametrize("language", list(Language))


class Asked(dict[str, str]):
    """Facts that record which of them were used."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def __missing__(self, key: str) -> str:
        self.names.add(key)
        return f"<{key}>"

    def get(self, key: str, default: Any = None) -> Any:
        return self[key]


def environment(language: Language) -> Environment:
    return TemplateRenderer(TEMPLATES)._built_in[language]


def module(language: Language, name: str) -> Any:
    return environment(language).get_template(name).module


def documented_facts(reason: Reason) -> set[str]:
    source = (ROOT / "bot" / "model" / "reason.py").read_text("utf-8")
    line = re.search(rf'= "{reason}"(?:  # (.*))?$', source, re.MULTILINE)
    assert line
    return {name.strip().split(" ")[0] for name in (line[1] or "").split(",") if name.strip()}


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
@pytest.mark.parametrize("reason", list(Reason))
def test_every_reason_uses_only_its_facts(reason: Reason, language: Language) -> None:
    words, facts = module(language, "_reasons.md.j2"), Asked()

    sentence = getattr(words, reason)(facts)
    advice = getattr(words, f"advice_{reason}", None)
    told = [sentence, advice(facts)] if advice else [sentence]

    assert all(text.strip() == text and text[-1] in "。.？?" for text in told)
    assert facts.names <= documented_facts(reason)


@BOTH
def test_advice_exists_only_for_reasons(language: Language) -> None:
    names = [name for name in vars(module(language, "_reasons.md.j2")) if name.startswith("advice_")]

    assert names
    assert {name.removeprefix("advice_") for name in names} <= set(Reason)


@BOTH
@pytest.mark.parametrize(
    ("table", "names"),
    [
        ("step", get_args(StepName)),
        ("step_state", StepState),
        ("run_state", RunState),
        ("trigger", Trigger),
        ("need", PermissionLevel),
        ("environment_state", EnvironmentState),
        ("severity", Severity),
    ],
)
def test_every_identifier_has_a_name(table: str, names: type[StrEnum], language: Language) -> None:
    assert set(getattr(module(language, "_words.md.j2"), table)) == set(names)


@BOTH
@pytest.mark.parametrize("table", ["running", "failed", "broken"])
def test_every_step_has_a_verdict(table: str, language: Language) -> None:
    assert set(getattr(module(language, "_verdict.md.j2"), table)) == set(get_args(StepName))


def test_both_languages_know_the_same_notes_and_macros() -> None:
    for file in ("_words.md.j2", "_reasons.md.j2", "_verdict.md.j2"):
        zh, en = (vars(module(language, file)).keys() for language in (Language.ZH, Language.EN))
        assert {name for name in zh ^ en if not name.startswith("_")} <= {"automatic"}


def test_every_note_has_a_text() -> None:
    written = {
        code
        for file in (ROOT / "bot").rglob("*.py")
        for code in re.findall(r'\bNote\("(\w+)"', file.read_text("utf-8"))
    }

    for language in Language:
        assert {f"note_{code}" for code in written} <= set(vars(module(language, "_words.md.j2")))
