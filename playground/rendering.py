"""Renders comments as Gitee does: Markdown with tables and some HTML, sanitized."""

import html
import re

import nh3
from markdown_it import MarkdownIt

EMOJIS = {
    "white_check_mark": "✅",
    "x": "❌",
    "bug": "🐛",
    "bangbang": "‼️",
    "warning": "⚠️",
    "rocket": "🚀",
    "hourglass_flowing_sand": "⏳",
    "tada": "🎉",
    "eyes": "👀",
    "+1": "👍",
    "-1": "👎",
    "fire": "🔥",
    "memo": "📝",
    "lock": "🔒",
    "recycle": "♻️",
    "construction": "🚧",
    "wastebasket": "🗑️",
    "link": "🔗",
    "package": "📦",
    "arrows_counterclockwise": "🔄",
    "smile": "😄",
    "heart": "❤️",
}
_ALLOWED_EXTRA = {"details", "summary", "table", "thead", "tbody", "tr", "th", "td", "input"}
_ATTRIBUTES = {
    "th": {"align", "colspan", "rowspan", "style"},
    "td": {"align", "colspan", "rowspan", "style"},
    "details": {"open"},
    "code": {"class"},
    "a": {"href", "title"},
    "img": {"src", "alt", "title", "width", "height"},
    "span": {"class"},
}
_MENTION_OR_EMOJI = re.compile(r"(?<![\w/@.])@([A-Za-z0-9][A-Za-z0-9_-]*)|:([a-z0-9_+-]+):")
_TAG_OR_TEXT = re.compile(r"(<[^>]*>)")
_PLAIN_INSIDE = {"code", "pre", "a"}

_markdown = MarkdownIt("commonmark", {"html": True, "breaks": True}).enable(["table", "strikethrough"])


def render(text: str) -> str:
    """Return a comment as sanitized HTML: no scripts, event handlers, HTML comments or other URL schemes."""
    clean = nh3.clean(
        _markdown.render(text),
        tags=nh3.ALLOWED_TAGS | _ALLOWED_EXTRA,
        attributes={**nh3.ALLOWED_ATTRIBUTES, **_ATTRIBUTES},
        url_schemes={"http", "https", "mailto"},
        link_rel="nofollow noopener noreferrer",
        set_tag_attribute_values={"a": {"target": "_blank"}},
        filter_style_properties={"text-align"},
    )
    return _decorate(clean)


def _decorate(clean: str) -> str:
    """Add mentions and emojis outside code and links. The input is well-formed output of nh3."""
    depth = 0
    parts = []
    for part in _TAG_OR_TEXT.split(clean):
        if part.startswith("<"):
            depth += _nesting(part)
            parts.append(part)
        else:
            parts.append(part if depth else _MENTION_OR_EMOJI.sub(_replacement, part))
    return "".join(parts)


def _nesting(tag: str) -> int:
    name = re.sub(r"[^a-z0-9].*", "", tag.lstrip("</").lower(), flags=re.DOTALL)
    if name not in _PLAIN_INSIDE:
        return 0
    return -1 if tag.startswith("</") else 1


def _replacement(match: re.Match[str]) -> str:
    login, emoji = match.groups()
    if login:
        return f'<span class="mention">@{html.escape(login)}</span>'
    return EMOJIS.get(emoji, match.group())
