"""Filters through which hostile text enters a comment: it can break neither Markdown nor HTML nor the marker.

Autoescape does not help here, since the target is Markdown. What Gitee does after Markdown (mentions,
emoji, links to issues) works on the finished text, so entities do not stop it: a zero-width space does.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from urllib.parse import urlsplit

from bot.words.sentence import Kind, Part

ZERO_WIDTH = "\u200b"
_ESCAPE_SEQUENCE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])")
_KEPT_FORMATS = "\u200c\u200d"
"""Joiners that emoji and some scripts are made with; every other format character only deceives."""
_MENTION = re.compile(r"(?<![A-Za-z0-9])@(?=\w)")
_LOGIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_EVERYONE = frozenset({"all", "everyone", "here", "channel"})
_ACTIVE = re.compile(r"[!\"#$&*+\-.:<=>@\[\\\]^_`{|}~]")
_WWW = re.compile(r"(?i)www(?=\.)")
_SAFE_URL = re.compile(r"https?://[A-Za-z0-9._~:/?#@!$&'*+,;=%\[\]-]+")


def clean(text: str) -> str:
    """Remove control, bidirectional and other invisible characters; newlines and tabs stay."""
    text = _ESCAPE_SEQUENCE.sub("", text).replace("\r\n", "\n").replace("\r", "\n")
    text = re.sub("[\v\f\x1c-\x1e\x85\u2028\u2029]", "\n", text)
    return "".join(character for character in text if _visible(character))


def _visible(character: str) -> bool:
    if character in "\n\t" or character in _KEPT_FORMATS:
        return True
    return unicodedata.category(character) not in {"Cc", "Cf", "Cs", "Co", "Cn"}


def one_line(text: str, limit: int = 200) -> str:
    """Join lines and runs of blanks; cut to `limit` characters."""
    joined = " ".join(clean(text).split())
    return joined if len(joined) <= limit else joined[: limit - 1] + "…"


def _literal(text: str) -> str:
    """Keep text that stays literal in Markdown from being found as a marker or a mention."""
    return _MENTION.sub(f"@{ZERO_WIDTH}", text.replace("<!", f"<{ZERO_WIDTH}!"))


def _backticks(text: str, least: int) -> str:
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    return "`" * max(least, longest + 1)


def code(value: object, limit: int = 200) -> str:
    """Return inline code that its content cannot leave."""
    text = _literal(one_line(str(value), limit)) or "—"
    ticks = _backticks(text, 1)
    pad = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{ticks}{pad}{text}{pad}{ticks}"


def fence(value: object, lines: int = 60, width: int = 500) -> str:
    """Return a fenced block with the last `lines` of a log, which its content cannot close."""
    rows = [row.rstrip()[:width] for row in clean(str(value)).split("\n")]
    text = re.sub(r"\n{3,}", "\n\n", "\n".join(rows)).strip("\n")
    text = _literal("\n".join(text.split("\n")[-lines:]))
    ticks = _backticks(text, 3)
    return f"{ticks}text\n{text}\n{ticks}"


def text(value: object, limit: int = 300) -> str:
    """Return words: no Markdown, HTML, mention, emoji or link comes of them, not even inside of HTML."""
    return _words(one_line(str(value), limit))


def _words(plain: str) -> str:
    plain = _WWW.sub(lambda match: match.group() + ZERO_WIDTH, plain)
    return _ACTIVE.sub(_entity, plain)


def _entity(match: re.Match[str]) -> str:
    after = ZERO_WIDTH if match.group() in "@:#!" else ""
    return f"&#{ord(match.group())};{after}"


def prose(value: object, limit: int = 500) -> str:
    """Return words in which what stands between backticks is shown as code, each part on its own harmless."""
    parts = one_line(str(value), limit).split("`")
    return "".join(
        code(part) if index % 2 and part.strip() else _words(part) for index, part in enumerate(parts)
    )


def sentence(parts: Iterable[Part]) -> str:
    """Return a sentence of the bot, with the facts in it made harmless."""
    return "".join(_PART[part.kind](part.value) for part in parts)


_PART: Mapping[Kind, Callable[[str], str]] = {
    Kind.WORDS: str,
    Kind.TEXT: text,
    Kind.CODE: lambda value: code(value, _LONGEST_FACT),
}
_LONGEST_FACT = 300


def mention(login: str) -> str:
    """Return `@login` for what can be a login, else harmless code."""
    valid = _LOGIN.fullmatch(login) and login.lower() not in _EVERYONE
    return f"@{login}" if valid else code(login)


def cell(markdown: str) -> str:
    """Make Markdown fit for a table cell: pipes do not end it, wherever they stand."""
    joined = " ".join(markdown.split("\n"))
    return re.sub(r"(\\?)\|", lambda match: f"{match[1]}{ZERO_WIDTH if match[1] else ''}\\|", joined)


def url(address: str) -> str:
    """Return a link that shows the address without its scheme; code if it is none to click on."""
    if not _SAFE_URL.fullmatch(address):
        return code(address)
    parts = urlsplit(address)
    shown = f"{parts.netloc}{parts.path.rstrip('/')}"
    return f"[{_ACTIVE.sub(_plain_entity, shown)}](<{address}>)"


def _plain_entity(match: re.Match[str]) -> str:
    return match.group() if match.group() in ".:-" else f"&#{ord(match.group())};"


def link(label: str, address: str) -> str:
    """Return a link with our own words; only the words if the address is none to click on."""
    return f"[{label}](<{address}>)" if _SAFE_URL.fullmatch(address) else label
