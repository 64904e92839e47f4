"""`chatops gc`: lists orphaned resources and removes them once, whether or not a bot is running."""

import os
import pwd
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack

from bot.app.adapters import open_adapters, own_secrets
from bot.app.clock import SystemClock
from bot.app.process import masked_logs
from bot.app.reconciling import garbage_collector
from bot.core.results.masking import Masker
from bot.engine.reconciling.garbage_collector import Found
from bot.engine.reconciling.repairs import Repair
from bot.model.audit import AuditActor, AuditCause
from bot.settings.model import Settings
from bot.store.records import Store


async def clear(settings: Settings, report: Callable[[str], None], *, dry_run: bool) -> bool:
    """List orphaned resources and, unless it is a dry run, remove them; return whether all could be listed.

    Raises RuntimeError if there is no store yet, RetryLater while it is unavailable.
    """
    repairs: list[Repair] = []
    store = await Store.visit(settings.store_url)
    try:
        async with AsyncExitStack() as stack:
            masker = Masker(own_secrets(settings))
            stack.enter_context(masked_logs(masker))
            adapters = await stack.enter_async_context(open_adapters(settings, masker))
            actor = AuditActor(AuditCause.OPERATOR, _user())
            garbage = garbage_collector(
                settings, adapters, store, SystemClock(), repaired=repairs.append, actor=actor
            )
            found = await garbage.find()
            for line in lines(found):
                report(_printable(line))
            if not dry_run:
                await garbage.clear(found)
                report(f"{len(repairs)} repaired")
            return not found.trouble
    finally:
        await store.close()


def _user() -> str:
    """Return the name of the user of this machine, or their number where they have none, as in containers."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())


def lines(found: Found) -> Iterator[str]:
    """Format the findings, one per line."""
    unchecked = (f"not checked: {trouble}" for trouble in found.trouble)
    yield from [*_at_runners(found), *_elsewhere(found), *unchecked] or ["no orphaned resources"]


def _at_runners(found: Found) -> Iterator[str]:
    for runner, items in found.items.items():
        for item in items:
            yield f"{item.repo}!{item.number}: {runner} {item.kind} {item.name}"
    for runner, items in found.adoptable.items():
        for key in dict.fromkeys(item.key for item in items):
            yield f"{key.repo}!{key.number}: {runner} environment {key.name}, adopted if it is open"


def _elsewhere(found: Found) -> Iterator[str]:
    for repo, number in found.tags:
        yield f"{repo}!{number}: registry tags pr-{number}-…"
    for environment in found.vanished:
        key = environment.key
        yield f"{key.repo}!{key.number}: environment {key.name} ({environment.state}) does not exist"
    for repo, number in found.given_up:
        yield f"{repo}!{number}: resources left by a failed teardown"


def _printable(text: str) -> str:
    """Replace what a terminal might interpret: some of the names come from pull requests."""
    return "".join(one if one.isprintable() else "\N{REPLACEMENT CHARACTER}" for one in text)
