import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.language.commandline import (
    MAX_BODY,
    MAX_LINE,
    MAX_LINES,
    command_lines,
    may_contain_commands,
    normalize,
)

HIDING = {
    "fence": "```\n{}\n```",
    "fence with a language": "```sh\n{}\n```",
    "tildes": "~~~\n{}\n~~~",
    "a fence that is never closed": "```\n{}",
    "quote": "> {}",
    "quote, second line": "> said\n> {}",
    "quote that goes on without its sign": "> said\n{}",
    "quote in a quote": "> > {}",
    "HTML comment": "<!--\n{}\n-->",
    "HTML comment on its line": "<!-- {} -->",
    "HTML comment that is never closed": "<!--\n\n{}",
    "HTML comment in a paragraph": "see <!--\n{}\n--> there",
    "HTML block": "<div>\n{}\n</div>",
    "pre": "<pre>\n\n{}\n\n</pre>",
    "attribute": 'see <a title="\n{}\n">x</a>',
    "inline code": "`{}`",
    "inline code over lines": "see `a\n{}\nb` there",
    "double backticks over lines": "``a ` b\n{}\nc``",
    "indented code": "    {}",
    "code by tab": "\t{}",
    "deeply indented words": "words\n    {}",
    "words behind four wide spaces": "　　　　{}",
    "heading": "# {}",
    "underlined heading": "{}\n---",
    "list item": "- {}",
    "numbered item": "1. {}",
    "second line of an item": "- done:\n  {}",
    "table": "| a |\n|---|\n| {} |",
    "row of a table": "| a |\n|---|\n{}",
    "after other words": "please {}",
    "link text over lines": "[see\n{}\nthere](https://example.com)",
    "link title": '[see](/url "\n{}\n")',
}


@pytest.mark.parametrize("frame", HIDING.values(), ids=HIDING)
@pytest.mark.parametrize("command", ["/build", "／构建", "/deploy staging ttl=2h"])
def test_quoted_commands_are_not_commands(frame: str, command: str) -> None:
    assert command_lines(frame.format(command)) == ()


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("/build", ["/build"]),
        ("   /build", ["/build"]),
        ("/build   ", ["/build"]),
        ("\n\n/build\n\n", ["/build"]),
        ("/build\r\n/test\r\n", ["/build", "/test"]),
        ("/build\r/test", ["/build", "/test"]),
        ("words\n/build\nmore words\n/test", ["/build", "/test"]),
        ("words\n\n/build\n\n> /deploy\n\n/test", ["/build", "/test"]),
        ("> /deploy\n\n/build", ["/build"]),
        ("```\n/deploy\n```\n/build", ["/build"]),
        ("<!-- /deploy -->\n/build", ["/build"]),
        ("<details>\n\n/build\n\n</details>", ["/build"]),
        ("/test `unit` 'a b'", ["/test `unit` 'a b'"]),
        ("/test <b>x</b>", ["/test <b>x</b>"]),
        ("*words\n/build\nwords*", ["/build"]),
        ("a stray ` backtick\n/build", ["/build"]),
        ("an escaped \\` backtick\n/build\nand \\`", ["/build"]),
        ("- fixed it\n\n/build", ["/build"]),
        ("- fixed it\n/build", ["/build"]),
        ("1. one\n2. two\n/build", ["/build"]),
        ("- fixed it\n   /build", []),
        ("/ build", []),
        ("//build", []),
        ("/1", []),
        ("/-x", []),
        ("", []),
        ("no command at all", []),
    ],
)
def test_lines(body: str, expected: list[str]) -> None:
    assert list(command_lines(body)) == expected


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("／构建", "/构建"),
        ("／ｂｕｉｌｄ", "/build"),
        ("　／部署　staging　ｔｔｌ＝２ｈ", "/部署 staging ttl=2h"),
        ("/test “冒烟 测试”", '/test "冒烟 测试"'),
        ("/test 「a」『b』«c»＂d＂", '/test "a""b""c""d"'),
        ("/test ‘a’＇b＇", "/test 'a''b'"),
        ("/cancel ＃４２", "/cancel #42"),
        ("/ok－to－test", "/ok-to-test"),
        ("\ufeff/build", "/build"),
        ("\u200b/\u200bbu\u200dild\u2060", "/build"),
        ("/build\u202e", "/build"),
        ("/deploy\tstaging", "/deploy staging"),
        ("/deploy\u00a0staging", "/deploy staging"),
    ],
)
def test_full_width_characters_of_input_methods_are_normalized(typed: str, expected: str) -> None:
    assert command_lines(typed) == (expected,)


def test_other_lines_keep_their_full_width_characters() -> None:
    assert command_lines("“／build” 是命令，比如：\n／构建") == ("/构建",)


def test_internal_markers_cannot_be_forged() -> None:
    assert command_lines("\ue0001\ue001 x\n> /deploy\n\n/build") == ("/build",)


def test_an_overlong_line_is_not_a_command() -> None:
    longest = "/test " + "x" * (MAX_LINE - 6)

    assert command_lines(f"{longest}\n/build") == (longest, "/build")
    assert command_lines(f"{longest}x\n/build") == ("/build",)


def test_no_more_lines_than_the_limit_are_read() -> None:
    assert command_lines("/build\n" * (MAX_LINES + 5)) == ("/build",) * MAX_LINES


def test_text_beyond_the_longest_comment_is_not_read() -> None:
    assert command_lines("x\n\n" + " " * MAX_BODY + "\n\n/build") == ()


PIECES = st.sampled_from(
    [
        *"`~>-*#|<!/\\[]()\"'=&\n \t",
        "\n\n",
        "```",
        "\n/build",
        "／构建",
        "<!--",
        "-->",
        "    ",
        "<div>",
        "a",
        "\u200b",
        "\ue000",
        "\r\n",
    ]
)


@given(st.lists(PIECES, max_size=30).map("".join) | st.text(max_size=200))
def test_any_text_can_be_read(body: str) -> None:
    for line in command_lines(body):
        assert line.startswith("/")
        assert "\n" not in line


@given(st.text(alphabet=st.characters(exclude_characters="`~\r\n"), max_size=60))
def test_nothing_in_a_fence_is_a_command(text: str) -> None:
    assert command_lines(f"```\n{text}\n/build\n```") == ()


@given(
    st.lists(st.text(alphabet=st.characters(exclude_characters="\r\n"), max_size=30), min_size=1, max_size=5)
)
def test_nothing_in_a_quote_is_a_command(lines: list[str]) -> None:
    assert command_lines("\n".join(f"> {line}" for line in [*lines, "/build"])) == ()


@given(st.text(alphabet=st.characters(exclude_characters="-\r"), max_size=60))
def test_nothing_in_an_html_comment_is_a_command(text: str) -> None:
    assert command_lines(f"<!--\n{text}\n/build\n-->") == ()


@given(st.text(alphabet="ab/ *_", max_size=20), st.integers(1, 3))
def test_nothing_in_inline_code_is_a_command(text: str, ticks: int) -> None:
    fence = "`" * ticks
    assert command_lines(f"see {fence}a{text}\n/build\nb{fence}") == ()


@given(st.text(max_size=100))
def test_normalizing_is_idempotent(line: str) -> None:
    once = normalize(line)
    assert normalize(once) == once


@given(st.text(alphabet="/a \n\r`>\u200b\u3000\ue000／"))
def test_only_a_comment_that_may_contain_commands_does(body: str) -> None:
    assert may_contain_commands(body) or not command_lines(body)
