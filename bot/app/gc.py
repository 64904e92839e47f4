"""`chatops gc`: lists orphaned resources and removes them once, beside a running bot or without one."""

from collections.abc import Callable, Iterator

from bot.app.adapters import open_adapters
from bot.app.clock import SystemClock
from bot.app.reconciling import garbage_collector
from bot.engine.reconciling.garbage_collector import Found
from bot.engine.reconciling.repairs import Repair
from bot.settings.model import Settings
from bot.store.records import Store


async def clear(settings: Settings, say: Callable[[str], None], *, dry_run: bool) -> bool:
    """Find what nobody owns, tell it, and remove it unless it is only asked for; return whether all was seen.

    Raises RuntimeError where there is no store yet, RetryLater while it is away.
    """
    repairs: list[Repair] = []
    store = await Store.visit(settings.store_url)
    try:
        async with open_adapters(settings) as adapters:
            garbage = garbage_collector(settings, adapters, store, SystemClock(), repaired=repairs.append)
            found = await garbage.find()
            for line in lines(found):
                say(_printable(line))
            if not dry_run:
                await garbage.clear(found)
                say(f"{len(repairs)} removed or put right")
            return not found.trouble
    finally:
        await store.close()


def lines(found: Found) -> Iterator[str]:
    """Word the findings, one a line."""
    for runner, items in found.items.items():
        for item in items:
            yield f"{item.repo}!{item.number}: {runner} {item.kind} {item.name}"
    for repo, number in found.tags:
        yield f"{repo}!{number}: registry tags pr-{number}-…"
    for environment in found.vanished:
        key = environment.key
        yield f"{key.repo}!{key.number}: environment {key.name} is {environment.state} only by the record"
    for repo, number in found.given_up:
        yield f"{repo}!{number}: what a teardown that failed has left"
    yield from (f"not looked at: {trouble}" for trouble in found.trouble)
    if found == Found(dict.fromkeys(found.items, ()), stale_expiry=found.stale_expiry):
        yield "nothing is left over"


def _printable(text: str) -> str:
    """Return a line for a terminal: some of the names come from pull requests."""
    return "".join(one if one.isprintable() else "\N{REPLACEMENT CHARACTER}" for one in text)
