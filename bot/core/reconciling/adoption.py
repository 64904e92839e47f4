"""Adoption: the record of an environment that a store does not know, from what its runner says of it.

A store does not know its environments if its file was lost, or restored from a backup. Of what is found, only
labels count that the bot has written, never what a pull request wrote; and the host label is one of the two
that the environment's key allows, so that a wrong one cannot take the address of another preview.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from bot.core import naming
from bot.model.environment import Endpoint, Environment, EnvironmentKey, EnvironmentState
from bot.model.inventory import Item
from bot.model.pipeline import RunnerName

NOTICE = timedelta(hours=1)
"""Time that an adopted environment has at least: an extension may have been lost with the store."""


def expiry(items: Sequence[Item], lifetime: timedelta) -> datetime | None:
    """Return when items expire by their labels, else `lifetime` after the last was made; None if unknown."""
    labeled = [item.expires for item in items if item.expires]
    made = [item.made_at + lifetime for item in items if item.made_at]
    return max(labeled or made, default=None)


def overdue(items: Sequence[Item], lifetime: timedelta, now: datetime) -> bool:
    """Whether items that cannot be adopted have expired."""
    at = expiry(items, lifetime)
    return at is not None and at <= now


def hosts(key: EnvironmentKey, items: Sequence[Item]) -> tuple[str, str]:
    """Return the host labels that an environment may have, the recorded one first."""
    plain, qualified = naming.host_label(key), naming.host_label(key, qualified=True)
    recorded = any(item.host == qualified for item in items)
    return (qualified, plain) if recorded else (plain, qualified)


def environment(
    items: Sequence[Item],
    endpoint: Endpoint,
    runner: RunnerName,
    now: datetime,
    lifetime: timedelta,
    *,
    suspendable: bool,
) -> Environment:
    """Return the record of the environment that these items are. What nobody knows any more is absent."""
    answering = [item for item in items if not item.starting] or items
    newest = max(answering, key=lambda item: (item.made_at or now, item.holder))
    made = [item.made_at for item in items if item.made_at]
    return Environment(
        key=newest.key,
        host=hosts(newest.key, items)[0],
        sha=next((item.sha for item in items if item.holder == newest.holder and item.sha), ""),
        # Only the platform knows whether it sleeps; to wake it does no harm if it does not.
        state=EnvironmentState.WAKING if suspendable else EnvironmentState.READY,
        run=0,
        deployed_at=min(made, default=now),
        expires_at=max(expiry(items, lifetime) or now, now + NOTICE),
        endpoint=endpoint,
        suspendable_by=runner if suspendable else None,
        runner=runner,
        public=next((item.public for item in items if item.holder == newest.holder and item.public), ()),
        adopted=newest.holder,
    )
