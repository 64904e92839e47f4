"""Values for templates: the timeline of a pull request, and diffs as lines. Pure."""

from dataclasses import dataclass
from datetime import datetime

from playground.git_history import FileChange
from playground.state import Comment, LogEntry, Pull, Repository, User, World


@dataclass(frozen=True, slots=True)
class TimelineItem:
    """A comment or an event. `revision` changes with its appearance."""

    key: str
    revision: str
    at: datetime
    comment: Comment | None = None
    entry: LogEntry | None = None


def conversation(pull: Pull) -> list[TimelineItem]:
    """Return comments and events in one list, oldest first."""
    comments = [
        TimelineItem(f"note_{one.id}", str(len(one.history)), one.created_at, comment=one)
        for one in pull.visible_comments
    ]
    events = [
        TimelineItem(f"event_{number}", "1", entry.at, entry=entry) for number, entry in enumerate(pull.log)
    ]
    return sorted([*comments, *events], key=lambda item: item.at)


def log_message(entry: LogEntry) -> str:
    """Return the key of the message for an event."""
    detailed = {"source_branch_changed", "update_label"}
    return f"log_{entry.desc if entry.desc in detailed else entry.action}"


@dataclass(frozen=True, slots=True)
class DiffLine:
    """A line of a diff. `kind` is hunk, added, removed, note or same; `old` and `new` are line numbers."""

    kind: str
    old: int | None
    new: int | None
    text: str


def diff_lines(change: FileChange) -> list[DiffLine]:
    """Return the lines of a file's hunks with their line numbers."""
    lines, old, new = [], 0, 0
    for text in change.diff.rstrip("\n").split("\n") if change.diff else []:
        if text.startswith("@@"):
            old, new = _starts(text)
            lines.append(DiffLine("hunk", None, None, text))
        elif text.startswith("+"):
            lines.append(DiffLine("added", None, new, text[1:]))
            new += 1
        elif text.startswith("-"):
            lines.append(DiffLine("removed", old, None, text[1:]))
            old += 1
        elif text.startswith("\\"):
            lines.append(DiffLine("note", None, None, text[2:]))
        else:
            lines.append(DiffLine("same", old, new, text[1:]))
            old, new = old + 1, new + 1
    return lines


def _starts(header: str) -> tuple[int, int]:
    """Return the first line numbers from `@@ -1,2 +3,4 @@`."""
    ranges = header.split(" ")
    return int(ranges[1][1:].split(",")[0]), int(ranges[2][1:].split(",")[0])


def role(world: World, repository: Repository, user: User) -> str:
    """Return the key of the message for a user's permission."""
    return f"role_{world.permission(repository, user) or 'none'}"


_COLORS = ("#c7402d", "#2f7ed8", "#3c8d5a", "#8e5bb5", "#c47f17", "#2c8c99", "#b0457b", "#5f6f7f")


_AVATAR = """\
<svg xmlns="http://www.w3.org/2000/svg" width="64" height="64">
<rect width="64" height="64" fill="{color}"/>
<text x="32" y="34" dy=".3em" fill="#fff" font-family="sans-serif" font-size="30"
text-anchor="middle">{letter}</text>
</svg>
"""


def avatar(user: User) -> str:
    """Return an SVG image with the first letter of a user's name."""
    color = _COLORS[user.id % len(_COLORS)]
    letter = {"<": "&lt;", "&": "&amp;"}.get(user.name[:1], user.name[:1].upper())
    return _AVATAR.format(color=color, letter=letter)
