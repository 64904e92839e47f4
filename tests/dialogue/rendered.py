"""The parts of a rendered comment, to check that hostile text does not change them."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser

from markdown_it import MarkdownIt

_MARKDOWN = MarkdownIt("commonmark", {"html": True}).enable("table")
_MENTION = re.compile(r"(?<![A-Za-z0-9])@(\w+)")
_OURS = {"p", "strong", "a", "code", "pre", "ul", "li", "details", "summary",
         "table", "thead", "tbody", "tr", "th", "td"}  # fmt: skip


@dataclass
class Rendered(HTMLParser):
    """The parts of a rendered comment."""

    source: str
    markers: list[str] = field(default_factory=list)
    """Content of the HTML comments."""
    links: list[str] = field(default_factory=list)
    opened: Counter[str] = field(default_factory=Counter)
    closed: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        super().__init__()
        self.feed(_MARKDOWN.render(self.source))

    def handle_comment(self, data: str) -> None:
        self.markers.append(data.strip())

    def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        self.opened[tag] += 1
        self.links += [value or "" for name, value in attrs if name == "href"]

    def handle_endtag(self, tag: str) -> None:
        self.closed[tag] += 1

    @property
    def mentions(self) -> set[str]:
        """Logins that would be notified, including those in code, which Gitee may also notify."""
        return set(_MENTION.findall(self.source))

    def assert_harmless(self, marker: str, *, may_mention: str = "") -> None:
        """Fail unless this is one intact comment of the bot, about what the marker begins with."""
        assert [one.split()[0] for one in self.markers] == [marker.split(maxsplit=1)[0]]
        assert self.source.count("<!--") == 1
        assert self.opened == self.closed
        assert set(self.opened) <= _OURS
        assert self.mentions <= {may_mention}
        assert all(link.startswith(("https://bot.example.com/", "http://pr-1-")) for link in self.links)
