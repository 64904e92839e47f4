"""Gathers for the checker what remains after a crash test, and waits until nothing more is to come."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from bot.core import markers
from bot.gitee import wire
from bot.model.delivery import Delivery, Trigger
from bot.model.run import Run, RunState, StepState
from playground.webhooks import Delivery as Sent
from tests.crash.checker import Asked, Final, Written, broken_on_the_way, wrong_in_the_end
from tests.crash.scene import REPOSITORIES, Scene
from tests.crash.traffic import REPLYING, STARTING, Fate, Traffic
from tests.dialogue.tester import BOT

PATIENCE = 300.0
"""Seconds to wait until all is as it should be; retries are up to a minute apart."""
_BAD = {StepState.FAILED, StepState.BROKEN}


def parsed(sent: Sent) -> Delivery | None:
    """Return the delivery as a bot parses it; None for one that the bot ignores."""
    found = wire.read(sent.headers, sent.body, datetime.now(UTC))
    return found if isinstance(found, Delivery) else None


def unacknowledged(scene: Scene) -> list[Sent]:
    """Return one delivery of each event that no replica acknowledged."""
    by_key = defaultdict(list)
    for sent in scene.gitee.deliveries:
        if (delivery := parsed(sent)) is not None:
            by_key[delivery.key].append(sent)
    return [all_sent[0] for all_sent in by_key.values() if all(sent.status != 200 for sent in all_sent)]


async def quiet(scene: Scene, traffic: Traffic, *, all_acted: Callable[[], bool] = lambda: True) -> list[str]:
    """Wait until all bots are idle and Gitee has acted on everything; return what is wrong even then.

    Events that no bot acknowledged are sent again. What bots compare minutes after a lost answer is due now.
    """
    with suppress(TimeoutError):
        async with asyncio.timeout(PATIENCE):
            for replica in scene.replicas:
                if not replica.ended_at_work:
                    await replica.supervised()
            while unreported := await _delivered(scene):
                for sent in unreported:
                    scene.gitee.webhooks.redeliver(sent)
            while not all_acted():  # noqa: ASYNC110 - it can only be asked
                await asyncio.sleep(0.1)
            await scene.idle(PATIENCE)
            while wrong_in_the_end(await asyncio.to_thread(final, scene, traffic)):
                await asyncio.to_thread(scene.ledger.age_lost_answers)
                await asyncio.sleep(1)
    remains = await asyncio.to_thread(final, scene, traffic)
    return broken_on_the_way(scene.history.events) + wrong_in_the_end(remains)


async def _delivered(scene: Scene) -> list[Sent]:
    await scene.gitee.delivered()
    return unacknowledged(scene)


def final(scene: Scene, traffic: Traffic) -> Final:
    """Return what the store, Gitee and the runner have."""
    ledger, happened = scene.ledger, events(scene)
    return Final(
        asked=_asked(scene, traffic, happened),
        runs=ledger.runs(),
        deliveries=ledger.deliveries(),
        comments=comments(scene),
        recorded=ledger.digests(),
        outdated=ledger.outdated(),
        lost=ledger.lost_answers(),
        heads=_heads(scene, traffic, happened),
        owned=ledger.environments(),
        ready=ledger.ready() if scene.remote else (),
        at_runner=list(scene.engine.environments),
        former=list(scene.engine.former),
        suites=list(scene.engine.suites),
        audited=ledger.audited(),
    )


def comments(scene: Scene) -> list[Written]:
    """Return the bot's comments."""
    return [
        Written(int(comment.id), f"{repository}!{number}", comment.body)
        for repository in REPOSITORIES
        for number in scene.gitee.repository(repository).pulls
        for comment in scene.gitee.comments(repository, number, by=BOT)
    ]


@dataclass(frozen=True, slots=True)
class Event:
    """What Gitee sent, and whether no bot acknowledged it when it happened."""

    delivery: Delivery
    late: bool


def events(scene: Scene) -> list[Event]:
    """Return the events that bots do not ignore, in the order in which they happened."""
    by_key = defaultdict[str, list[tuple[Delivery, Sent]]](list)
    for sent in scene.gitee.deliveries:
        if found := parsed(sent):
            by_key[found.key].append((found, sent))
    return [Event(found[0][0], _late(scene, [sent for _, sent in found])) for found in by_key.values()]


def _late(scene: Scene, all_sent: Sequence[Sent]) -> bool:
    """Return whether none of the first deliveries was acknowledged; each bot has a webhook."""
    return all(sent.status != 200 for sent in all_sent[: len(scene.replicas)])


def _heads(scene: Scene, traffic: Traffic, happened: Sequence[Event]) -> dict[str, str]:
    """Return the last commit of each pull request that must have an automatic run.

    One whose opening is found later needs none, if somebody has run its commit by a command before.
    """
    opened = {
        (str(event.delivery.repo), event.delivery.number)
        for event in happened
        if event.delivery.trigger is Trigger.OPEN and not event.late
    }
    return {
        f"{pull[0]}!{pull[1]}": scene.gitee.pull(*pull).head_sha
        for pull, fate in traffic.fates.items()
        if fate is Fate.PUSHED or (fate is Fate.COMMANDED and pull in opened)
    }


def _asked(scene: Scene, traffic: Traffic, happened: Sequence[Event]) -> list[Asked]:
    texts = {
        comment.id: comment.body
        for repository in REPOSITORIES
        for number in scene.gitee.repository(repository).pulls
        for comment in scene.gitee.comments(repository, number)
    }
    return [
        replace(_ask(event.delivery, traffic, texts.get(event.delivery.comment_id or 0, "")), late=event.late)
        for event in happened
    ]


def _ask(event: Delivery, traffic: Traffic, text: str) -> Asked:
    pull, reply = f"{event.repo}!{event.number}", markers.reply(event.key, 0)
    if traffic.fates.get((str(event.repo), event.number)) is not Fate.COMMANDED:
        return Asked(event.key, pull, reply=reply)
    return Asked(event.key, pull, text in STARTING, text in REPLYING, reply)


def figures(scene: Scene, wrong: Sequence[str]) -> str:
    """Return what was seen, in one line."""
    deliveries, runs = scene.gitee.deliveries, scene.ledger.runs()
    sent = f"{len(deliveries)} deliveries sent, {sum(one.status == 200 for one in deliveries)} acknowledged"
    ended = ", ".join(f"{count} {state}" for state, count in sorted(Counter(map(_ending, runs)).items()))
    happened, said = len(events(scene)), len(comments(scene))
    return f"{sent}, {happened} events; {len(runs)} runs ({ended}); {said} comments; {len(wrong)} problems"


def _ending(run: Run) -> str:
    """Return the state of a run and, if it failed, the reason."""
    reasons = [step.result.reason for step in run.steps if step.result and step.result.state in _BAD]
    return f"{run.state} by {reasons[0]}" if reasons and run.state is RunState.FAILED else str(run.state)
