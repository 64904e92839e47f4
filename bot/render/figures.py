"""What comments show of moments, digests and facts; without words, which the templates have."""

from collections.abc import Mapping
from datetime import datetime, timedelta, timezone, tzinfo

from bot.words.sentence import MISSING

GITEE_TIME = timezone(timedelta(hours=8))
"""The time zone in which Gitee shows and sends times."""


class ShownFacts(dict[str, str]):
    """Facts of a reason. A missing one shows as a dash: an incomplete comment is better than none."""

    def __missing__(self, key: str) -> str:
        return MISSING


def facts(given: Mapping[str, str]) -> ShownFacts:
    """Return facts for templates."""
    return ShownFacts(given)


def digest(value: str) -> str:
    """Return a digest as `sha256:` and its first twelve digits."""
    name, _, digits = value.rpartition(":")
    return f"{name}:{digits[:12]}" if name else digits[:12]


def moment(when: datetime, zone: tzinfo = GITEE_TIME) -> str:
    """Return day, time and UTC offset."""
    return f"{when.astimezone(zone):%m-%d %H:%M} (UTC{_offset(when.astimezone(zone))})"


def clock(when: datetime, zone: tzinfo = GITEE_TIME) -> str:
    """Return the time of day."""
    return f"{when.astimezone(zone):%H:%M}"


def _offset(when: datetime) -> str:
    text = f"{when:%z}"
    minutes = "" if text.endswith("00") else f":{text[3:]}"
    return f"{text[0]}{int(text[1:3])}{minutes}"
