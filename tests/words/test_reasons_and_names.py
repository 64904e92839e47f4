"""Every identifier and reason has words, in both languages, from the facts that go with it."""

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest

from bot.core.language.command import PermissionLevel
from bot.model.delivery import Trigger
from bot.model.environment import EnvironmentState
from bot.model.plan import StepName
from bot.model.reason import Reason
from bot.model.report import CaseState
from bot.model.run import Note, RunState, StepResult, StepState
from bot.model.scan import Severity
from bot.model.text import Language, Text
from bot.words import reasons
from bot.words.names import PERMISSIONS, SEVERITIES, STATES, STEPS, TRIGGERS
from bot.words.reasons import NOTES, REASONS
from bot.words.sentence import Part, PartKind, Wording

ROOT = Path(__file__).parents[2]


def documented_facts(reason: Reason) -> set[str]:
    source = (ROOT / "bot" / "model" / "reason.py").read_text("utf-8")
    line = re.search(rf'= "{reason}"(?:  # (.*))?$', source, re.MULTILINE)
    assert line
    return {name.strip().split(" ")[0] for name in (line[1] or "").split(",") if name.strip()}


def texts(wording: Wording | Text | None) -> list[Text]:
    if not isinstance(wording, Wording):
        return [wording] if wording else []
    return [wording.sentence, *texts(wording.without), *texts(wording.advice)]


def names(sentence: str) -> list[str]:
    return sorted(re.findall(r"{(\w+)}", sentence))


@pytest.mark.parametrize(
    ("table", "identifiers"),
    [
        (STEPS, get_args(StepName)),
        (STATES, {*RunState, *StepState, *EnvironmentState, *CaseState}),
        (TRIGGERS, Trigger),
        (PERMISSIONS, PermissionLevel),
        (SEVERITIES, Severity),
    ],
)
def test_every_identifier_is_named(table: Mapping[str, Text], identifiers: list[str]) -> None:
    assert set(table) == set(identifiers)


def test_every_reason_is_worded() -> None:
    assert set(REASONS) == set(Reason)


@pytest.mark.parametrize("reason", list(Reason))
def test_a_reason_is_worded_from_the_facts_that_go_with_it(reason: Reason) -> None:
    for text in texts(REASONS[reason]):
        assert set(names(text.en)) <= documented_facts(reason)
        assert names(text.en) == names(text.zh)
        assert text.en[-1] in ".?"
        assert text.zh[-1] in "。？"
        assert text.en.count("`") % 2 == text.zh.count("`") % 2 == 0


@pytest.mark.parametrize("reason", list(Reason))
def test_the_other_sentences_use_fewer_facts(reason: Reason) -> None:
    first, *others = (set(names(text.en)) for text in texts(replace(REASONS[reason], advice=None)))

    assert all(other < first for other in others)


def test_notes_that_the_code_writes_have_words() -> None:
    written = {
        code
        for file in (ROOT / "bot").rglob("*.py")
        for code in re.findall(r'\bNote\("(\w+)"', file.read_text("utf-8"))
    }

    assert written == set(NOTES)


def test_a_sentence_and_its_advice() -> None:
    result = StepResult(StepState.FAILED, Reason.NO_DOCKERFILE, {"path": "Dockerfile"})

    assert reasons.sentence(result, Language.EN) == (
        Part(PartKind.WORDS, "The commit has no "),
        Part(PartKind.CODE, "Dockerfile"),
        Part(PartKind.WORDS, "."),
    )
    assert Part(PartKind.CODE, "build.dockerfile") in reasons.advice(result, Language.ZH)


def test_without_a_reason_there_is_no_sentence() -> None:
    result = StepResult(StepState.PASSED)

    assert reasons.sentence(result, Language.EN) == reasons.advice(result, Language.EN) == ()


def test_a_note_that_this_version_does_not_know_shows_its_facts() -> None:
    assert reasons.remark(Note("new", {"file": "x"}), Language.EN) == (Part(PartKind.CODE, "new file=x"),)


def test_a_known_note_is_worded() -> None:
    assert Part(PartKind.CODE, "x") in reasons.remark(Note("config_changed", {"file": "x"}), Language.EN)


@pytest.mark.parametrize(("language", "colon"), [(Language.EN, ": "), (Language.ZH, "：")])
def test_a_reason_about_one_of_several_images_begins_with_its_name(language: Language, colon: str) -> None:
    facts = {"path": "api/Dockerfile", "of_image": "api"}
    named = reasons.sentence(StepResult(StepState.FAILED, Reason.NO_DOCKERFILE, facts), language)
    plain = reasons.sentence(
        StepResult(StepState.FAILED, Reason.NO_DOCKERFILE, {"path": "api/Dockerfile"}), language
    )
    assert named == (Part(PartKind.CODE, "api"), Part(PartKind.WORDS, colon), *plain)
