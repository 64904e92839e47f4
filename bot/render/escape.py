"""Filters that make hostile text harmless in a comment: it cannot break Markdown, HTML or the marker.

Autoescape does not help here, since the target is Markdown. What Gitee does after Markdown (mentions,
emoji, links to issues) works on the finished text, so entities do not stop it: a zero-width space does.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from urllib.parse import urlsplit

from bot.model.shortening import shortened
from bot.words.sentence import Part, PartKind

ZERO_WIDTH = "\u200b"
_ESCAPE_SEQUENCE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])")
_KEPT_FORMATS = "\u200c\u200d"
"""Joiners that emoji and some scripts need; every other format character could only deceive readers."""
_MENTION = re.compile(r"(?<![A-Za-z0-9])@(?=\w)")
_LOGIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_EVERYONE = frozenset({"all", "everyone", "here", "channel"})
_ACTIVE = re.compile(r"^[/／]|[!\"#$&*+\-.:<=>@\[\\\]^_`{|}~]")
"""What Markdown or Gitee give a meaning; a slash at the beginning could be a command for another bot."""
_WWW = re.compile(r"(?i)www(?=\.)")
_SAFE_URL = re.compile(r"https?://[A-Za-z0-9._~:/?#@!$&'*+,;=%\[\]-]+")


def clean(text: str) -> str:
    """Remove control, bidirectional and other invisible characters, except newlines and tabs."""
    text = _ESCAPE_SEQUENCE.sub("", text).replace("\r\n", "\n").replace("\r", "\n")
    text = re.sub("[\v\f\x1c-\x1e\x85\u2028\u2029]", "\n", text)
    return "".join(character for character in text if _visible(character))


def _visible(character: str) -> bool:
    if character in "\n\t" or character in _KEPT_FORMATS:
        return True
    return unicodedata.category(character) not in {"Cc", "Cf", "Cs", "Co", "Cn"}


def one_line(text: str, limit: int = 200) -> str:
    """Join lines, collapse blanks, and cut the result to `limit` characters."""
    return shortened(" ".join(clean(text).split()), limit)


def _literal(text: str) -> str:
    """Keep literal text from being recognized as a marker or a mention."""
    return _MENTION.sub(f"@{ZERO_WIDTH}", text.replace("<!", f"<{ZERO_WIDTH}!"))


def _backticks(text: str, least: int) -> str:
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    return "`" * max(least, longest + 1)


def code(value: object, limit: int = 200) -> str:
    """Return inline code; its content cannot end it."""
    text = _literal(one_line(str(value), limit)) or "—"
    ticks = _backticks(text, 1)
    pad = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{ticks}{pad}{text}{pad}{ticks}"


def fence(value: object, lines: int = 60, width: int = 500) -> str:
    """Return a fenced block with the last `lines` of a log; its content cannot close it."""
    rows = [row.rstrip()[:width] for row in clean(str(value)).split("\n")]
    text = re.sub(r"\n{3,}", "\n\n", "\n".join(rows)).strip("\n")
    text = _literal("\n".join(text.split("\n")[-lines:]))
    ticks = _backticks(text, 3)
    return f"{ticks}text\n{text}\n{ticks}"


def text(value: object, limit: int = 300) -> str:
    """Return plain words: never Markdown, HTML, a mention, an emoji or a link, even inside HTML."""
    return _words(one_line(str(value), limit))


def _words(plain: str) -> str:
    plain = _WWW.sub(lambda match: match.group() + ZERO_WIDTH, plain)
    return _ACTIVE.sub(_entity, plain)


def _entity(match: re.Match[str]) -> str:
    after = ZERO_WIDTH if match.group() in "@:#!" else ""
    return f"&#{ord(match.group())};{after}"


def prose(value: object) -> str:
    """Return plain words, with the text between backticks as inline code."""
    parts = one_line(str(value), 500).split("`")
    return "".join(
        code(part) if index % 2 and part.strip() else _words(part) for index, part in enumerate(parts)
    )


def sentence(parts: Iterable[Part]) -> str:
    """Return a sentence of the bot as Markdown, with the facts in it escaped."""
    return "".join(_PART[part.kind](part.value) for part in parts)


_PART: Mapping[PartKind, Callable[[str], str]] = {
    PartKind.WORDS: str,
    PartKind.TEXT: text,
    PartKind.CODE: lambda value: code(value, _LONGEST_FACT),
}
_LONGEST_FACT = 300


def mention(login: str) -> str:
    """Return `@login` for a valid login, otherwise inline code."""
    valid = _LOGIN.fullmatch(login) and login.lower() not in _EVERYONE
    return f"@{login}" if valid else code(login)


def cell(markdown: str) -> str:
    """Return Markdown for a table cell: no pipe in it ends the cell."""
    joined = " ".join(markdown.split("\n"))
    return re.sub(r"(\\?)\|", lambda match: f"{match[1]}{ZERO_WIDTH if match[1] else ''}\\|", joined)


def url(address: str) -> str:
    """Return a link that shows the address without its scheme; inline code if the address is not safe."""
    if not _SAFE_URL.fullmatch(address):
        return code(address)
    parts = urlsplit(address)
    shown = f"{parts.netloc}{parts.path.rstrip('/')}"
    return f"[{_ACTIVE.sub(_plain_entity, shown)}](<{address}>)"


def _plain_entity(match: re.Match[str]) -> str:
    return match.group() if match.group() in ".:-" else f"&#{ord(match.group())};"


def link(label: str, address: str) -> str:
    """Return a link with a label of the bot; only the label if the address is not safe."""
    return f"[{label}](<{address}>)" if _SAFE_URL.fullmatch(address) else label
