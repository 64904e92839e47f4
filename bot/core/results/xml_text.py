"""Repairs common errors of test tools in XML before it is parsed: encodings and forbidden characters."""

import re

_DECLARATION = re.compile(r"\s*<\?xml\b[^>]{0,200}\?>")
_ENCODING = re.compile(rb"""\s*<\?xml\b[^>]{0,200}?encoding\s*=\s*["']([A-Za-z][\w.-]{0,40})["']""")
# https://www.w3.org/TR/xml/#charsets
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_REFERENCE = re.compile(r"&#(?:x([0-9A-Fa-f]+)|([0-9]+));")
_HIGHEST = 0x10FFFF
_ENCODINGS = (
    *("utf-8", "utf8", "ascii", "us-ascii", "iso-8859", "latin", "windows-", "cp", "koi8"),
    *("gb", "big5", "euc", "shift", "sjis"),
)
"""Prefixes of accepted encodings; Python knows others that are slow or are not text."""
_BOMS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))


def well_formed(content: bytes) -> bytes:
    """Return the text in UTF-8 without a declaration, forbidden characters replaced by U+FFFD."""
    text = _FORBIDDEN.sub("\ufffd", _decoded(content))
    text = _REFERENCE.sub(_allowed_reference, text)
    declaration = _DECLARATION.match(text)
    if declaration is not None:
        # Line breaks stay, so that line numbers of errors are right.
        text = "\n" * declaration[0].count("\n") + text[declaration.end() :]
    return text.encode()


def _decoded(content: bytes) -> str:
    """Decode by byte order mark, declaration, UTF-8 or GB 18030; the first that succeeds wins."""
    for bom, encoding in _BOMS:
        if content.startswith(bom):
            return content[len(bom) :].decode(encoding, "replace")
    declared = _ENCODING.match(content)
    name = declared[1].decode("ascii").lower() if declared else ""
    for encoding in (*((name,) if name.startswith(_ENCODINGS) else ()), "utf-8", "gb18030"):
        try:
            return content.decode(encoding)
        except (LookupError, UnicodeError):
            continue
    return content.decode("utf-8", "replace")


def _allowed_reference(found: re.Match[str]) -> str:
    digits, base = (found[1], 16) if found[1] else (found[2], 10)
    number = int(digits[-8:], base) if len(digits.lstrip("0")) <= 8 else _HIGHEST + 1  # noqa: PLR2004 - longer is too high
    if number > _HIGHEST or _FORBIDDEN.fullmatch(chr(number)):
        return "\ufffd"
    return found[0]
