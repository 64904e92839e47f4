"""Reports other bots that own something at a runner under the same instance."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from sqlalchemy.exc import ArgumentError

from bot.core.reconciling import ownership
from bot.doctor.findings import Finding, note
from bot.model.errors import ChatOpsError
from bot.model.inventory import Item
from bot.model.pipeline import RunnerName
from bot.model.text import Text
from bot.settings.model import Settings
from bot.store.records import Store


async def findings(settings: Settings, runner: RunnerName, items: Iterable[Item]) -> Sequence[Finding]:
    """Return a note on each other store whose bot owns some of these items."""
    owners = ownership.others(items, await _identities(settings), datetime.now(UTC))
    return [_note(runner, store, until) for store, until in sorted(owners.items())]


async def _identities(settings: Settings) -> Sequence[str]:
    """Return the identities of the store, none before there is one."""
    try:
        store = await Store.visit(settings.store_url)
    except (RuntimeError, ArgumentError, ChatOpsError):
        return ()  # the check of the store says why
    try:
        return [one.id for one in await store.identities.all()]
    except ChatOpsError:
        return ()
    finally:
        await store.close()


def _note(runner: RunnerName, store: str, until: datetime) -> Finding:
    at = f"{until:%H:%M} UTC"
    return note(
        Text(
            en=f"another bot has the same instance: its store is {store}, it owns environments until {at}",
            zh=f"另一个机器人使用了相同的 instance：它的存储是 {store}，在 {at} 之前拥有这里的环境",
        ),
        Text(
            en=f"Give each bot its own [{runner}] instance. If this bot has lost its store, it adopts the"
            f" environments after {at}.",
            zh=f"请为每个机器人设置不同的 [{runner}] instance。"
            f"如果是本机器人丢失了存储，它会在 {at} 之后接管这些环境。",
        ),
    )
