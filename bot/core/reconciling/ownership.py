"""Who owns what several bots with the same instance have created: each bot says so again and again.

The labels name the store whose bot has created a resource. That bot may be gone, or have lost its store. So
each bot says until when it owns what it owns, like the holder of a lease that it renews.

`stores` are always the identities of this bot's store, the present one first; a restored store has several.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from bot.model.environment import Environment, EnvironmentKey
from bot.model.inventory import Item

LASTS = timedelta(minutes=15)
"""How long a resource is owned after its owner has said so. Clocks may differ by less."""
RENEWED = timedelta(minutes=5)
"""How often an owner says so again."""


def foreign(item: Item, stores: Sequence[str], now: datetime) -> bool:
    """Whether another store's bot owns an item now."""
    return item.owned_by not in {"", *stores} and item.owned_until is not None and item.owned_until > now


def not_foreign(items: Iterable[Item], stores: Sequence[str], now: datetime) -> tuple[Item, ...]:
    """Return the items that no other store's bot owns now."""
    return tuple(item for item in items if not foreign(item, stores, now))


def others(items: Iterable[Item], stores: Sequence[str], now: datetime) -> Mapping[str, datetime]:
    """Return the other stores whose bots own any of these items, and until when at the latest."""
    found: dict[str, datetime] = {}
    for item in items:
        if foreign(item, stores, now) and item.owned_until is not None:
            found[item.owned_by] = max(item.owned_until, found.get(item.owned_by, item.owned_until))
    return found


def to_renew(
    items: Iterable[Item], environments: Iterable[Environment], stores: Sequence[str], now: datetime
) -> tuple[Item, ...]:
    """Return the items that this bot owns, and has to say so again."""
    known = {_folded(one.key): one for one in environments}
    return tuple(
        item
        for item in not_foreign(items, stores, now)
        if _owns(item, stores, known.get(_folded(item.key))) and not _said(item, stores, now)
    )


def _owns(item: Item, stores: Sequence[str], environment: Environment | None) -> bool:
    """Whether this bot has created an item or adopted it; `environment` is the record, if any."""
    if item.store in stores:
        return True
    adopted = environment.adopted if environment else None
    return adopted.store == item.store if adopted else not item.store and environment is not None


def _said(item: Item, stores: Sequence[str], now: datetime) -> bool:
    return (
        item.owned_by == stores[0]
        and item.owned_until is not None
        and item.owned_until > now + LASTS - RENEWED
    )


def moment(text: str) -> datetime | None:
    """Parse the time in a label; None if it has none, or someone changed it to something else."""
    try:
        found = datetime.fromisoformat(text)
        return found.astimezone(UTC) if found.tzinfo else None
    except (ValueError, OverflowError):
        return None


def _folded(key: EnvironmentKey) -> tuple[str, int, str]:
    return str(key.repo).lower(), key.number, key.name
