"""Finds the lines of a comment that are meant as commands, by parsing it as CommonMark.

A `/deploy` in a quotation, in code or in an HTML comment must not run. Each line that could be a command is
marked in the source before it is parsed, and counts if its mark comes out as plain text of a paragraph. So
the Markdown parser alone decides what is code, quotation, table or link.
"""

import re
from collections.abc import Iterator

from markdown_it import MarkdownIt
from markdown_it.token import Token

MAX_BODY = 65_536
"""Characters of a comment that are read; Gitee accepts no longer ones."""
MAX_LINE = 500
"""Characters of one command line; a longer line is prose."""
MAX_LINES = 100
"""Command lines that are returned, those for other bots included."""
MAX_INDENT = 3
"""Spaces before the slash; four begin a code block."""

_INVISIBLE = "\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff"
_CANDIDATE = re.compile(rf"^[ \u3000{_INVISIBLE}]*[/／](?=[{_INVISIBLE}]*[^\W\d_])", re.MULTILINE)
_MARK = re.compile("\ue000([0-9]+)\ue001")
_PRIVATE = re.compile("[\ue000\ue001]")
_CONTAINERS = {"paragraph_open", "bullet_list_open", "ordered_list_open", "list_item_open"}

_FULL_WIDTH = {
    **{
        full: full - 0xFEE0
        for full in (*range(0xFF10, 0xFF1A), *range(0xFF21, 0xFF3B), *range(0xFF41, 0xFF5B))
    },
    **str.maketrans("／＝－＿＃　\u00a0", "/=-_#  "),
    **str.maketrans("“”„‟«»「」『』＂", '"' * 11),
    **str.maketrans("‘’‚‛＇", "'" * 5),
}
_HIDDEN = re.compile(f"[{_INVISIBLE}]")

# Emphasis stays text: a command between two stray asterisks is still a command.
_MARKDOWN = MarkdownIt("commonmark").enable("table").disable("emphasis")


def may_contain_commands(markdown: str) -> bool:
    """Whether a line of a comment looks like a command; only then it is worth the time to parse Markdown."""
    return _CANDIDATE.search(_source(markdown)) is not None


def command_lines(markdown: str) -> tuple[str, ...]:
    """Return the command lines of a comment, normalized, in order.

    A command line begins with `/` and a letter after at most three spaces, in a paragraph that is neither
    quoted nor the first line of a list item. An unindented line directly after a list item is accepted,
    although CommonMark counts it as part of the item: its author does not mean the list.
    """
    source = _source(markdown)
    if _CANDIDATE.search(source) is None:
        return ()
    lines = source.split("\n")
    marked = "\n".join(_mark(index, line) for index, line in enumerate(lines))
    found = (lines[index] for index in _plain(_MARKDOWN.parse(marked), lines))
    return tuple(normalize(line) for line in found if len(line) <= MAX_LINE)[:MAX_LINES]


def _source(markdown: str) -> str:
    return _PRIVATE.sub("", markdown[:MAX_BODY].replace("\r\n", "\n").replace("\r", "\n"))


def normalize(line: str) -> str:
    """Return a command line as if typed without a Chinese input method; idempotent."""
    return " ".join(_HIDDEN.sub("", line.translate(_FULL_WIDTH)).split("\t")).strip()


def _mark(index: int, line: str) -> str:
    match = _CANDIDATE.match(line)
    if match is None or sum(match[0].count(space) for space in " \u3000") > MAX_INDENT:
        return line
    return f"{line[: match.end() - 1]}\ue000{index}\ue001{line[match.end() - 1 :]}"


def _plain(tokens: list[Token], lines: list[str]) -> Iterator[int]:
    """Yield the numbers of marked lines that are plain text in a place where commands are accepted."""
    around: list[str] = []
    for token in tokens:
        if token.nesting > 0:
            around.append(token.type)
        elif token.nesting < 0:
            around.pop()
        elif token.type == "inline" and _CONTAINERS.issuperset(around):
            nested = len(around) > 1
            yield from (index for index in _marks(token) if not (nested and lines[index][0].isspace()))


def _marks(inline: Token) -> Iterator[int]:
    for child in inline.children or ():
        if child.type == "text" and child.level == 0:
            yield from (int(mark) for mark in _MARK.findall(child.content))
