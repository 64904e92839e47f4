"""Reads code, headings and links from the project's Markdown."""

import re
import shlex
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from pathlib import Path
from urllib.parse import unquote

from markdown_it import MarkdownIt
from markdown_it.token import Token

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted({*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("deploy/**/*.md")})

_MARKDOWN = MarkdownIt("commonmark").enable("table")
_INTENDED = re.compile(r"\b(?:chatops|make)[ \n]")
_ASSIGNMENT = re.compile(r"\w+=.*", re.DOTALL)
_OPERATORS = ("&&", "||", ";", "|", "&")
_IMAGE = "gitee-chatops"
_FOLDERS = "benchmarks bot commands comment_templates docs playground tests tools"
_PATH = re.compile(rf"(?<![\w/.:-])(?:{'|'.join(_FOLDERS.split())})/[\w./*-]*[\w/*]")
_PLACEHOLDER = re.compile(r"\b[A-Z]{3,}\b")


@dataclass(frozen=True)
class Document:
    """A page and its file."""

    file: Path
    text: str

    @classmethod
    def read(cls, file: Path) -> "Document":
        return cls(file, file.read_text("utf-8"))

    @cached_property
    def tokens(self) -> tuple[Token, ...]:
        """All tokens, including those inside paragraphs and table cells."""
        blocks = _MARKDOWN.parse(self.text)
        return tuple(inner for block in blocks for inner in (block, *(block.children or ())))

    @property
    def code(self) -> tuple[str, ...]:
        """Inline code and code blocks."""
        return tuple(one.content for one in self.tokens if one.type in {"code_inline", "fence", "code_block"})

    @property
    def commands(self) -> Iterator[list[str]]:
        """The words of each command line that runs `chatops` or `make`, with the program first."""
        for code in self.code:
            for line in code.replace("\\\n", " ").splitlines():
                if _INTENDED.search(line):
                    yield from _programs(line)

    @property
    def links(self) -> tuple[str, ...]:
        """Targets of links and images inside the project, without percent-encoding."""
        found = (one.attrGet("href") or one.attrGet("src") for one in self.tokens)
        return tuple(unquote(str(link)) for link in found if link and "://" not in str(link))

    @property
    def anchors(self) -> frozenset[str]:
        """Anchors of the headings."""
        headings = [
            text.content
            for opening, text in zip(self.tokens, self.tokens[1:], strict=False)
            if opening.type == "heading_open"
        ]
        return frozenset(_numbered(map(_slug, headings)))

    @property
    def paths(self) -> frozenset[str]:
        """Files and folders of the project that the page names; words in capitals become wildcards."""
        return frozenset(_PLACEHOLDER.sub("*", path) for path in _PATH.findall(self.text))


def _programs(line: str) -> Iterator[list[str]]:
    for is_operator, group in groupby(_words(line), lambda word: word in _OPERATORS):
        words = [] if is_operator else list(group)
        while words and (words[0] in {"$", "sudo"} or _ASSIGNMENT.fullmatch(words[0])):
            words.pop(0)
        if words[:2] == ["docker", "run"] and _IMAGE in words:
            words[: words.index(_IMAGE) + 1] = ["chatops"]
        if words and words[0].rpartition("/")[2] in {"chatops", "make"}:
            yield [words[0].rpartition("/")[2], *words[1:]]


def _words(line: str) -> Iterable[str]:
    found = shlex.shlex(line, posix=True, punctuation_chars=True)
    found.whitespace_split = True
    return list(found)


def _slug(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def _numbered(slugs: Iterable[str]) -> Iterator[str]:
    seen: dict[str, int] = {}
    for slug in slugs:
        count = seen.get(slug, 0)
        seen[slug] = count + 1
        yield f"{slug}-{count}" if count else slug
