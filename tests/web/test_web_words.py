"""Words of the pages: every state, step, reason and remark has them in both languages, and templates none."""

import re

from jinja2 import nodes

from bot.model.delivery import Trigger
from bot.model.environment import EnvironmentState
from bot.model.reason import Reason
from bot.model.run import RunState, StepState
from bot.model.scan import Severity
from bot.model.text import Language
from bot.web.pages.messages import WORDS
from bot.web.pages.reasons import NOTES, REASONS
from bot.web.pages.templating import new_templates
from tests.web.test_web_pages import ROOT


def test_every_state_step_and_trigger_has_words() -> None:
    named = {f"state.{one}" for kind in (RunState, StepState, EnvironmentState) for one in kind}
    named |= {f"trigger.{one}" for one in Trigger}
    named |= {f"severity.{one}" for one in Severity}
    named |= {f"step.{one}" for one in ("build", "deploy", "test", "teardown")}

    assert named <= set(WORDS)


def test_every_reason_that_ends_something_has_words() -> None:
    ends = tuple(Reason)[tuple(Reason).index(Reason.NO_DOCKERFILE) :]

    assert set(ends) <= set(REASONS)


def test_every_remark_that_comments_word_has_words() -> None:
    source = (ROOT / "comment_templates/en/_words.md.j2").read_text("utf-8")

    assert set(re.findall(r"macro note_(\w+)\(", source)) == set(NOTES)


def test_words_ask_for_the_same_facts_in_both_languages() -> None:
    for text in (*REASONS.values(), *NOTES.values()):
        facts = [set(re.findall(r"{(\w+)}", text.say(language))) for language in Language]
        assert facts[0] == facts[1], text


def test_templates_hold_no_words_and_ask_only_for_known_ones() -> None:
    templates = new_templates()
    for name in templates.list_templates():
        source, _, _ = templates.loader.get_source(templates, name)  # type: ignore[union-attr] # it has one
        tree = templates.parse(source)
        asked = [
            call.args[0].value
            for call in tree.find_all(nodes.Call)
            if isinstance(call.node, nodes.Name)
            and call.node.name == "t"
            and isinstance(call.args[0], nodes.Const)
        ]
        assert set(asked) <= set(WORDS), name
        prose = "".join(part.data for output in tree.find_all(nodes.TemplateData) for part in [output])
        assert not re.search(r"[\u4e00-\u9fff]", prose), name
