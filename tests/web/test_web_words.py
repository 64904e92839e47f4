"""Words of the pages are in both languages, and none are in the templates."""

import re

from jinja2 import nodes

from bot.model.text import Language
from bot.web.pages.messages import WORDS
from bot.web.pages.templating import new_templates, sentence
from bot.words.sentence import Part, PartKind


def test_messages_use_the_same_facts_in_both_languages() -> None:
    for text in WORDS.values():
        facts = [set(re.findall(r"{(\w+)}", text.say(language))) for language in Language]
        assert facts[0] == facts[1], text


def test_templates_contain_no_text_and_use_known_messages() -> None:
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


def test_facts_in_a_sentence_are_escaped() -> None:
    parts = (Part(PartKind.WORDS, "No "), Part(PartKind.CODE, "<b>"), Part(PartKind.TEXT, " by <i>"))

    assert sentence(parts) == "No <code>&lt;b&gt;</code> by &lt;i&gt;"
