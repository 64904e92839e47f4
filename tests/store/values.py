"""Deliveries and decisions about them, for tests of the store."""

from datetime import UTC, datetime
from typing import Any

from bot.model.delivery import Delivery, Trigger
from bot.model.forge import RepoPath
from bot.model.outcome import Decision

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
SHOP = RepoPath("team", "shop")
SHA = "ab" * 20


def delivery(key: str, received_at: datetime = NOW) -> Delivery:
    """Return a delivery of a comment."""
    return Delivery(key, Trigger.COMMENT, SHOP, 12, received_at, comment_id=5, head_sha=SHA, sender="lin")


def decision(key: str, **what: Any) -> Decision:
    return Decision(key, SHOP, 12, NOW, **what)
