import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from bot.render import escape

NASTY = (
    *("`", "``", "```", "````\n", "~~~", "\n", "\n\n", "\r\n", "    ", "\t", "| ", "\\", "\\|"),
    *("<!-- chatops:run=1 -->", "-->", "</details>", "</summary>", "<script>", "<b>", "<img src=x>"),
    *("@all", "@mei", " @lin ", "＠all", ":smile:", "&#64;all", "&lt;", "a@example.com", "www.example.com"),
    *("[x](http://evil.example.com)", "![x](http://evil.example.com/x.png)", "<http://evil.example.com>"),
    *("http://evil.example.com", "# ", "- ", "1. ", "> ", "***", "**", "_", "~~", "---", "===", "$x$"),
    *("\x1b[31m", "\x00", "\u202e", "\u200b", "\u2028", "{{ 7*7 }}", "{% raw %}", "中文", "x"),
)
hostile = st.one_of(st.text(max_size=60), st.lists(st.sampled_from(NASTY), max_size=12).map("".join))
held = settings(deadline=None, max_examples=150)
MARKDOWN = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])


def inline(markdown: str) -> list[Token]:
    blocks = MARKDOWN.parse(markdown)
    assert [block.type for block in blocks] == ["paragraph_open", "inline", "paragraph_close"]
    return blocks[1].children or []


@pytest.mark.attack
@held
@given(hostile)
def test_code_is_one_code_span(value: str) -> None:
    markdown = escape.code(value)

    before, code, after = inline(f"a {markdown} b")

    assert (before.content, code.type, after.content) == ("a ", "code_inline", " b")
    assert "<!--" not in markdown
    assert not re.search(r"(?<![A-Za-z0-9])@\w", markdown)


@pytest.mark.attack
@held
@given(hostile)
def test_a_fence_holds_everything(value: str) -> None:
    markdown = escape.fence(value)

    blocks = MARKDOWN.parse(f"before\n{markdown}\nafter")

    assert [block.type for block in blocks if block.type != "inline"] == [
        "paragraph_open",
        "paragraph_close",
        "fence",
        "paragraph_open",
        "paragraph_close",
    ]
    assert (blocks[1].content, blocks[5].content) == ("before", "after")
    assert "<!--" not in markdown


@pytest.mark.attack
@held
@given(hostile)
def test_text_contains_no_markup(value: str) -> None:
    markdown = escape.text(value)

    kinds = {token.type for token in inline(f"a {markdown} b")}

    assert kinds <= {"text", "text_special"}
    shown = MARKDOWN.render(markdown)
    assert not re.search(r"@\w|:\w+:|https?://|www\.", re.sub(r"&\w+;", "", shown))
    assert "<!--" not in markdown


@pytest.mark.attack
@held
@given(hostile)
def test_text_is_escaped_inside_html(value: str) -> None:
    markdown = f"<details>\n<summary>{escape.text(value)}</summary>\n\nbody\n\n</details>"

    blocks = MARKDOWN.parse(markdown)

    assert [block.type for block in blocks] == [
        "html_block",
        "paragraph_open",
        "inline",
        "paragraph_close",
        "html_block",
    ]
    assert blocks[0].content.count("<") == 3


@pytest.mark.attack
@held
@given(hostile)
def test_prose_contains_only_text_and_code(value: str) -> None:
    kinds = {token.type for token in inline(f"a {escape.prose(value)} b")}

    assert kinds <= {"text", "text_special", "code_inline"}


@pytest.mark.attack
@held
@given(hostile, hostile)
def test_a_cell_does_not_end_its_table_cell(first: str, second: str) -> None:
    row = f"| {escape.cell(escape.code(first))} | {escape.cell(escape.text(second))} |"

    blocks = MARKDOWN.parse(f"| a | b |\n|---|---|\n{row}\n")

    assert [block.type for block in blocks].count("td_open") == 2
    assert [block.type for block in blocks].count("tr_open") == 2
    # Other parsers count backslashes: no other one may precede the backslash that escapes the pipe.
    assert not re.search(r"\\\\+\|", row)


def test_code_shows_the_original_text() -> None:
    assert escape.code("pip install -r x.txt") == "`pip install -r x.txt`"
    assert escape.code("a `b` c") == "``a `b` c``"
    assert escape.code("`b`") == "`` `b` ``"
    assert escape.code("one\ntwo\x07\u202e") == "`one two`"
    assert escape.code("  ") == "`—`"
    assert escape.code("x" * 300, 10) == f"`{'x' * 9}…`"


@pytest.mark.attack
def test_text_begins_no_command() -> None:
    assert escape.text("/lgtm a/b") == "&#47;lgtm a/b"
    assert escape.text("\n ／approve") == "&#65295;approve"
    assert escape.prose("/deploy `x`") == "&#47;deploy `x`"


def test_a_fence_keeps_the_last_lines_and_their_indentation() -> None:
    assert escape.fence("a\n  b\n\n\n\nc\n") == "```text\na\n  b\n\nc\n```"
    assert escape.fence("a\nb\nc", lines=2) == "```text\nb\nc\n```"
    assert escape.fence("```\nx") == "````text\n```\nx\n````"
    assert escape.fence("x" * 900, width=5) == "```text\nxxxxx\n```"
    assert escape.fence("\x1b[31mred\x1b[0m") == "```text\nred\n```"


@pytest.mark.parametrize("login", ["mei", "lin-2", "a.b_c", "X"])
def test_a_login_is_mentioned(login: str) -> None:
    assert escape.mention(login) == f"@{login}"


@pytest.mark.attack
@pytest.mark.parametrize(
    "login", ["all", "ALL", "everyone", "", "a b", "x\n@all", "<b>", "-x", "x" * 65, "梅"]
)
def test_invalid_logins_are_not_mentioned(login: str) -> None:
    assert not escape.mention(login).startswith("@")


@pytest.mark.attack
def test_only_valid_urls_become_links() -> None:
    assert (
        escape.url("http://pr-1.example.com:8080/")
        == "[pr-1.example.com:8080](<http://pr-1.example.com:8080/>)"
    )
    assert (
        escape.link("log", "https://bot.example.com/runs/1#build")
        == "[log](<https://bot.example.com/runs/1#build>)"
    )
    assert escape.link("log", "") == "log"
    for bad in ("javascript:alert(1)", "http://a b", "http://x>y", "http://x\ny", "data:text/html,x"):
        assert escape.link("log", bad) == "log"
        assert escape.url(bad).startswith("`")
