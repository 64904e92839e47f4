from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from bot.render.cut import cut, size

NOTICE = "cut here"
OMITTED = "lines left out"
MARKDOWN = MarkdownIt("commonmark", {"html": True})


def shortened(markdown: str, limit: int) -> str:
    return cut(markdown, limit, notice=NOTICE, omitted=OMITTED)


def test_text_within_the_limit_is_unchanged() -> None:
    assert shortened("构建", 6) == "构建"


def test_bytes_are_counted_not_characters() -> None:
    assert size(shortened("构建失败\n" * 40, 200)) <= 200


def test_logs_are_shortened_first_and_from_their_start() -> None:
    log = "\n".join(f"line {number}" for number in range(200))
    markdown = f"verdict\n\n```text\n{log}\n```\n\nnext"

    short = shortened(markdown, 400)

    assert size(short) <= 400
    assert short.startswith(f"verdict\n\n```text\n{OMITTED}\n")
    assert short.endswith("line 199\n```\n\nnext")
    assert NOTICE not in short


def test_logs_are_shortened_one_after_the_other() -> None:
    log = "\n".join(f"line {number}" for number in range(100))
    markdown = f"```text\n{log}\n```\n\n````text\n{log}\n````\n\nend"

    short = shortened(markdown, 400)

    assert short.count(OMITTED) == 2
    assert short.endswith("end")


def test_details_and_fences_are_closed() -> None:
    rows = "\n".join(f"- `test {number}`" for number in range(100))
    inner = f"<details>\n<summary>b</summary>\n\n{rows}\n\n</details>"
    markdown = f"<details>\n<summary>a</summary>\n\n{inner}\n\n</details>"

    short = shortened(markdown, 500)

    assert size(short) <= 500
    assert short.count("<details>") == short.count("</details>") == 2
    assert short.endswith(NOTICE)


def test_an_open_fence_is_closed_by_the_same_characters() -> None:
    # Every log keeps eight lines, so this one must be cut from its end, too.
    markdown = "````text\n" + "\n".join(["`" * 3 + "x" * 60] * 8) + "\n````"

    short = shortened(markdown, 200)

    assert size(short) <= 200
    assert [token.type for token in MARKDOWN.parse(short)] == [
        "fence",
        "paragraph_open",
        "inline",
        "paragraph_close",
    ]


def test_a_single_huge_line_is_cut_between_characters() -> None:
    short = shortened("构" * 1000, 100)

    assert size(short) <= 100
    assert short.startswith("构构")
    assert short.endswith(NOTICE)


LINES = st.sampled_from(
    ["text", "```text", "```", "````", "~~~", "<details>", "</details>", "| a | b |", "", "构建" * 20]
)


@settings(deadline=None, max_examples=150)
@given(st.lists(LINES, max_size=60), st.integers(min_value=120, max_value=600))
def test_the_limit_holds_for_any_text(lines: list[str], limit: int) -> None:
    assert size(shortened("\n".join(lines), limit)) <= limit
