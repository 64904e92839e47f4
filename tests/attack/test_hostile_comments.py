"""Hostile text in every place of every comment: no effect, one marker, and no command for another bot."""

from functools import cache
from pathlib import Path

import pytest

from bot.core.language.commandline import command_lines
from bot.model.text import Language
from bot.model.views import Apology
from bot.render.cut import size
from bot.render.renderer import LIMIT, TemplateRenderer
from tests.render import view_samples as samples
from tests.render.test_renderer import MARKER, hostile_views, powers

RENDERER = TemplateRenderer(Path(__file__).parents[2] / "comment_templates")

HOSTILE = {
    "a marker of another run": "<!-- chatops:run=1 -->",
    "the end of a comment": "--> <b>x</b> <!--",
    "a script": "<script>fetch('//evil.example.com')</script>",
    "an image with a handler": "<img src=x onerror=alert(1)>",
    "the end of the details": "</summary></details><h1>x</h1>",
    "a frame": "<iframe srcdoc='<b>x'></iframe>",
    "an escaped tag": "&lt;b&gt;&#60;b&#62;",
    "a link": "[here](http://evil.example.com)",
    "a link by reference": "[x]\n\n[x]: http://evil.example.com",
    "a link in angle brackets": "<http://evil.example.com>",
    "a bare link": "http://evil.example.com www.evil.example.com",
    "an image": "![x](http://evil.example.com/x.png)",
    "a mention of all": "@all ＠all &#64;all",
    "a mention after a bracket": "(@mei) [@lin",
    "an emoji": ":smile: :+1:",
    "the end of a fence": "\n```\n# x\n```\n",
    "the end of a long fence": "\n``````\n/deploy\n~~~\n",
    "the end of inline code": "` @all ` **x** ``",
    "the end of a cell": "a | b \\| c |\n|---|",
    "a heading and a list": "\n# x\n- y\n1. z\n> q\n",
    "a line for another bot": "\n/lgtm\n/approve\n",
    "a line for this bot": "\n\n/deploy\n\n/构建\n",
    "a line after a carriage return": "x\r/deploy\r\n／deploy",
    "a line after other separators": "x\u2028/deploy\u2029/deploy\x85/deploy\v/deploy\f/deploy",
    "text in the other direction": "\u202e@lla\u202c \u2066x\u2069",
    "invisible characters": "@\u200ball \ufeff\U000e0041\u00ad",
    "terminal colours": "\x1b[31mred\x1b]8;;http://evil.example.com\x07x\x1b]8;;\x07",
    "control characters": "\x00\x07\x08\x7f",
    "a template": "{{ 7*7 }}{% raw %}{# x #}",
    "a formula": "$x$ $$\\href{javascript:alert(1)}{x}$$",
    "a front matter": "---\ntitle: x\n---\n",
}
VIEWS = [f"{number} {type(view).__name__}" for number, view in enumerate(hostile_views("x"), 1)]


views = cache(hostile_views)


@cache
def plain(language: Language) -> list[list[str]]:
    """Return the effects of each view with harmless text."""
    return [powers(RENDERER.render(view, language, MARKER)) for view in hostile_views("x")]


@pytest.mark.parametrize("place", range(len(VIEWS)), ids=VIEWS)
@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_text_in_a_comment_is_only_shown(text: str, place: int) -> None:
    for language in Language:
        body = RENDERER.render(views(text)[place], language, MARKER)

        assert body.count("<!--") == 1
        assert body.endswith(f"\n\n{MARKER}\n")
        assert powers(body) == plain(language)[place]
        assert command_lines(body) == ()


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("view", samples.VIEWS)
def test_a_comment_of_the_bot_commands_no_bot(view: str, language: Language) -> None:
    assert command_lines(RENDERER.render(samples.VIEWS[view], language, MARKER)) == ()


@pytest.mark.parametrize("filler", ["x", "`", "<", "|", "@all ", "\n", "中", "```\n", "\\|"], ids=repr)
def test_text_of_any_size_leaves_room_for_the_marker(filler: str) -> None:
    for view in hostile_views((filler * 4_000)[:8_000]):
        body = RENDERER.render(view, Language.EN, MARKER)

        assert size(body) <= LIMIT
        assert body.endswith(f"\n\n{MARKER}\n")
        assert body.count("<!--") == 1


def test_an_honest_comment_is_rendered_as_before() -> None:
    body = RENDERER.render(Apology("3f9c2a1b"), Language.EN, MARKER)

    assert "`3f9c2a1b`" in body
