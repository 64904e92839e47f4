"""The clock of this machine."""

from datetime import UTC, datetime


class SystemClock:
    """Implements `bot.ports.Clock`."""

    def now(self) -> datetime:
        """Return the current time, in UTC."""
        return datetime.now(UTC)
