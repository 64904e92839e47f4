"""Reads what may keep an event from starting anything, the cheapest first, and only as far as it matters."""

from collections.abc import Sequence
from contextlib import suppress

from bot.core.deciding import skipping
from bot.engine.records import Records
from bot.model.delivery import Trigger
from bot.model.errors import GiveUp
from bot.model.observed import Skip
from bot.model.snapshot import Snapshot
from bot.ports import Forge


async def skip_reason(
    trigger: Trigger, forge: Forge, records: Records, snapshot: Snapshot, files: Sequence[str]
) -> Skip | None:
    """Return why an event of an open pull request that changes these files starts nothing, if so.

    What Gitee does not show starts a run: a superfluous one does less harm than a missing one. Raises
    RetryLater while Gitee or the store is unavailable.
    """
    pull, pipeline = snapshot.pull, snapshot.pipeline
    found = skipping.by_pull(pull, pipeline) or skipping.by_files(pipeline.paths, files)
    if found:
        return found
    home, message = pull.head.repo or pull.repo, ""
    with suppress(GiveUp):
        message = await forge.commit_message(home, pull.head.sha)
    skipped = skipping.by_message(message)
    return skipped or (await _by_push(forge, records, snapshot) if trigger is Trigger.UPDATE else None)


async def _by_push(forge: Forge, records: Records, snapshot: Snapshot) -> Skip | None:
    pull = snapshot.pull
    recent = await records.runs.runs(repo=pull.repo, number=pull.number)
    last = skipping.compared_run(recent, snapshot)
    if last is None:
        return None
    with suppress(GiveUp):
        files = await forge.changed_between(pull.head.repo or pull.repo, last.sha, pull.head.sha)
        return skipping.by_push(snapshot.pipeline.paths, files)
    return None
