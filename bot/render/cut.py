"""Shortens comments to the size that Gitee accepts: logs first, and no fence or `<details>` stays open."""

import re
from collections.abc import Sequence

_FENCE = re.compile(r"(`{3,}|~{3,})")
_KEPT_LINES = 8
"""Lines of a log that are kept even when it is cut."""


def size(text: str) -> int:
    """Return the size in UTF-8 bytes, as limits count it."""
    return len(text.encode())


def cut(markdown: str, limit: int, *, notice: str, omitted: str) -> str:
    """Return at most `limit` bytes: first logs lose their beginning, then the comment its end.

    `omitted` takes the place of lines of a log; `notice` ends a comment that was cut itself.
    """
    if size(markdown) <= limit:
        return markdown
    lines = _cut_logs(markdown.split("\n"), size(markdown) - limit, omitted)
    shorter = "\n".join(lines)
    return shorter if size(shorter) <= limit else _cut_end(lines, limit, notice)


def _cut_logs(lines: Sequence[str], excess: int, omitted: str) -> list[str]:
    result, start = list(lines), 0
    while excess > 0 and (block := _next_fence(result, start)):
        first, last = block
        dropped = 0
        while excess + size(omitted) + 1 > 0 and last - first - dropped > _KEPT_LINES:
            excess -= size(result[first + dropped]) + 1
            dropped += 1
        if dropped:
            result[first : first + dropped] = [omitted]
            excess += size(omitted) + 1
        start = last - dropped + 2
    return result


def _next_fence(lines: Sequence[str], start: int) -> tuple[int, int] | None:
    """Return the index of the first line in the next fence and of the line that closes it."""
    for index in range(start, len(lines)):
        if opened := _FENCE.match(lines[index]):
            for end in range(index + 1, len(lines)):
                if _closes(lines[end], opened[1]):
                    return index + 1, end
    return None


def _closes(line: str, opener: str) -> bool:
    stripped = line.strip()
    return len(stripped) >= len(opener) and not stripped.strip(opener[0])


def _cut_end(lines: Sequence[str], limit: int, notice: str) -> str:
    kept: list[str] = []
    opened: list[str] = []
    room = limit - size(notice) - 2
    for line in lines:
        after = _opened(opened, line)
        if size("\n".join((*kept, line, *_closers(after)))) > room:
            break
        kept.append(line)
        opened = after
    if not kept:
        kept = [lines[0].encode()[:room].decode(errors="ignore")]
    return "\n".join((*kept, *_closers(opened), "", notice))


def _opened(opened: Sequence[str], line: str) -> list[str]:
    """Return what is open after a line: the opener of a fence, the closing tag of `<details>`."""
    if opened and opened[-1][0] in "`~":
        return list(opened[:-1] if _closes(line, opened[-1]) else opened)
    if fence := _FENCE.match(line):
        return [*opened, fence[1]]
    found = list(opened)
    for tag in re.findall(r"</?details>", line):
        if tag == "<details>":
            found.append("</details>")
        elif found:
            found.pop()
    return found


def _closers(opened: Sequence[str]) -> list[str]:
    """Return the lines that close what is open, innermost first."""
    closers: list[str] = []
    for closer in reversed(opened):
        closers.extend((closer,) if closer[0] in "`~" else ("", closer))
    return closers
