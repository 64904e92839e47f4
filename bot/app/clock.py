"""The time of this machine."""

from datetime import UTC, datetime


class SystemClock:
    """The `Clock` of a bot that runs for real."""

    def now(self) -> datetime:
        """Return the current time, in UTC."""
        return datetime.now(UTC)
