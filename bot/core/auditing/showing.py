"""How audit records are written out: as a line for people, as fields for programs."""

from datetime import UTC, date, datetime, timedelta

from bot.core import duration
from bot.model.audit import AuditRecord

_WIDTHS = (20, 16, 24, 9, 28, 13)
_TITLES = ("TIME (UTC)", "WHO", "PULL REQUEST", "COMMIT", "RESULT", "DELIVERY", "ACTION")
"""What somebody typed comes last, so that it cannot look like another column."""
SHORT_SHA = 8
SHORT_KEY = 12
"""Digits of a delivery's key, as in the log."""

Fields = dict[str, str | int | list[int] | dict[str, str] | None]


def header() -> str:
    """Return the titles of the columns of `line`."""
    return _columns(_TITLES)


def line(record: AuditRecord) -> str:
    """Return one line for a terminal; whatever that might interpret is escaped."""
    who = record.who or (f"({record.sender})".replace(" ", r"\x20") if record.sender else "-")
    action = f"{record.action} {record.details}".rstrip()
    where, when = f"{record.repo}!{record.number}", record.at.astimezone(UTC)
    sha, delivery = record.sha[:SHORT_SHA] or "-", record.delivery[:SHORT_KEY] or str(record.cause)
    return _columns((f"{when:%Y-%m-%d %H:%M:%S}", who, where, sha, _result(record), delivery, action))


def fields(record: AuditRecord) -> Fields:
    """Return a record for a program; the names and their order are stable."""
    return {
        "at": record.at.astimezone(UTC).isoformat(timespec="milliseconds"),
        "who": record.who,
        "sender": record.sender,
        "action": record.action,
        "details": record.details,
        "repo": str(record.repo),
        "number": record.number,
        "commit": record.sha,
        "result": str(record.result),
        "reason": None if record.reason is None else str(record.reason),
        "facts": dict(record.facts),
        "runs": list(record.runs),
        "cause": str(record.cause),
        "delivery": record.delivery,
        "position": record.position,
    }


def moment(text: str, now: datetime) -> datetime:
    """Read a time: `7d` ago, a date such as `2026-05-01` (its beginning in UTC), or a date with a time.

    Raises ValueError for anything else.
    """
    try:
        return now - duration.parse(text, minimum=timedelta(seconds=1), maximum=duration.LONGEST_KEPT)
    except ValueError:
        pass
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise ValueError(
            f"neither a time such as 7d nor a date such as {date(2026, 5, 1)}: {text!r}"
        ) from error
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)


def _result(record: AuditRecord) -> str:
    runs = ", ".join(f"run {run}" for run in record.runs)
    reason = "" if record.reason is None else str(record.reason)
    return " ".join(part for part in (str(record.result), reason, runs) if part)


def _columns(values: tuple[str, ...]) -> str:
    shown = zip(map(_printable, values), (*_WIDTHS, 0), strict=True)
    return " ".join(text.ljust(width) for text, width in shown).rstrip()


def _printable(text: str) -> str:
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in text)
