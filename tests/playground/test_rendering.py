"""Comments as HTML: markup that Gitee supports is rendered, and dangerous markup is removed."""

import re

import pytest

from playground.rendering import render


@pytest.mark.parametrize(
    "hostile",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "[x](javascript:alert(1))",
        '<a href="javascript:alert(1)">x</a>',
        '<a href="data:text/html,<script>alert(1)</script>">x</a>',
        "<svg onload=alert(1)>",
        "<iframe src=//evil.example></iframe>",
        "<details ontoggle=alert(1) open>x</details>",
        "<style>body{display:none}</style>",
        "<form action=//evil.example><button>x</button></form>",
        '<td style="background:url(javascript:alert(1));position:fixed">x</td>',
        "<math><mtext></p><style><!--</style><img title='--><img src=1 onerror=alert(1)>'>",
        '```"><script>alert(1)</script>\nx\n```',
        "@mei<script>alert(1)</script>",
        "<input type=image src=x onerror=alert(1) formaction=javascript:alert(1)>",
    ],
)
def test_hostile_text_is_escaped(hostile: str) -> None:
    html = render(hostile).lower()
    tags = re.findall(r"<[^>]*>", html)
    assert not [tag for tag in tags if re.search(r"\son\w+=|javascript:|data:|position|formaction", tag)]
    assert not re.search(r"<(script|svg|iframe|style|form|button|math)\b", html)


def test_tables_details_and_alignment_are_kept() -> None:
    table = render("| a | b |\n|---|--:|\n| 1 | 2 |")
    assert '<td style="text-align:right">2</td>' in table
    fold = render("<details><summary>Log</summary>\n\n```\nx < y\n```\n\n</details>")
    assert "<summary>Log</summary>" in fold
    assert "<code>x &lt; y\n</code>" in fold
    assert '<td colspan="2">' in render('<table><tr><td colspan="2">x</td></tr></table>')


def test_hidden_markers_are_not_shown() -> None:
    html = render("<!-- chatops:run=1 -->\n\nhello <!-- more -->")
    assert "hello" in html
    assert "<!--" not in html
    assert "chatops" not in html


def test_mentions_and_emojis_are_highlighted_only_in_text() -> None:
    assert '<span class="mention">@mei</span>' in render("@mei :x:")
    assert "❌" in render("@mei :x:")
    assert "mention" not in render("`@mei`")
    assert ":x:" in render("```\n:x:\n```")
    assert "mention" not in render("mail@example.com")
    assert ":unknown_name:" in render(":unknown_name:")


def test_links_open_in_a_new_tab_without_a_referrer() -> None:
    link = render("[x](https://example.com)")
    assert 'rel="nofollow noopener noreferrer"' in link
    assert 'target="_blank"' in link


def test_one_newline_is_a_line_break() -> None:
    assert render("a\nb") == "<p>a<br>\nb</p>\n"
