"""The rules that every history must follow, checked on what happened, not on what the bots believe."""

import asyncio
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import pairwise
from typing import Any

from sqlalchemy import select

from bot.core import markers
from bot.model.audit import AuditRecord
from bot.model.delivery import Delivery, DeliveryState, Trigger
from bot.model.environment import Environment, EnvironmentKey, EnvironmentState
from bot.model.forge import Comment, PullState
from bot.model.inventory import ItemKind
from bot.model.reason import Reason
from bot.model.run import Run, RunState
from bot.store import runs, schema
from bot.store.codec import unpack
from tests.crash import checker as rules
from tests.crash.checker import Final, Written
from tests.simulation.gitee import BOT
from tests.simulation.loop import Process
from tests.simulation.replica import Replica, World
from tests.simulation.runner import Effect

GRACE = 1.0
"""Seconds for which a process that was frozen may act before it notices that it was evicted."""
HELD = "SELECT id, holder, revision, number, stop_request IS NOT NULL FROM runs ORDER BY id"
AUTOMATIC = {Trigger.OPEN, Trigger.UPDATE, Trigger.REOPEN}


@dataclass(slots=True)
class Record:
    """Everything that happened."""

    world: World
    replicas: list[Replica]
    lines: list[str] = field(default_factory=list)
    bugs: list[str] = field(default_factory=list)
    events: dict[str, Delivery] = field(default_factory=dict)
    acknowledged: dict[str, None] = field(default_factory=dict)
    holders: dict[int, list[tuple[float, str]]] = field(default_factory=lambda: defaultdict(list))
    """Who held each run since when, by name; empty for nobody."""
    _revisions: dict[int, int] = field(default_factory=dict)
    _data: dict[int, str] = field(default_factory=dict)

    def note(self, what: str) -> None:
        """Add a line."""
        self.lines.append(f"{self.world.loop.time():.6f} {what}")

    def bug(self, what: str) -> None:
        """Take down what a bot logged as a bug."""
        self.note(f"bug: {what}")
        self.bugs.append(what)

    def sent(self, delivery: Delivery) -> None:
        """Take down that something happened at Gitee."""
        self.events[delivery.key] = delivery
        self.note(f"{delivery.trigger} of {delivery.number}: {delivery.key[:12]}")

    def answered(self, delivery: Delivery, task: "asyncio.Task[bool]") -> None:
        """Take down how a webhook was answered."""
        if not task.cancelled() and task.exception() is None and task.result():
            self.note(f"acknowledged {delivery.key[:12]}")
            self.acknowledged[delivery.key] = None

    def written(self, process: Process | None) -> None:
        """Take down who holds what after a change of the store; only the holder changes a run."""
        rows = self.world.server.sql.exec_driver_sql(HELD).all()
        pulls = Counter(
            pull for _, name, _, pull, stop in rows if name in self.world.server.members and not stop
        )
        for pull, count in pulls.items():
            if count > 1:
                self.bug(f"{count} runs of {pull} at once")
        for run_id, name, revision, _, _ in rows:
            known = self.holders[run_id]
            if self._revisions.get(run_id) != revision:
                self._changed(run_id, revision, process)
            holder = name if name in self.world.server.members else ""
            if (known[-1][1] if known else "") != holder:
                known.append((self.world.loop.time(), holder))
                self.note(f"run {run_id} is held by {holder or 'nobody'}")

    def _changed(self, run_id: int, revision: int, process: Process | None) -> None:
        found = self.world.server.sql.exec_driver_sql("SELECT data FROM runs WHERE id = ?", (run_id,))
        data, known, held = found.scalar_one(), self._data.get(run_id), self.holders[run_id]
        self._revisions[run_id], self._data[run_id] = revision, data
        if known in {None, data}:
            return  # it is new, or only its stop request or its comment changed
        holder = self.process(held[-1][1]) if held else None
        if process is None or holder is not process:
            name = process.name if process else "nobody"
            self.bug(f"run {run_id} was changed by {name}, and held by {holder.name if holder else 'nobody'}")

    def all(self, statement: Any) -> list[Any]:
        """Return the rows of a query."""
        return list(self.world.server.sql.execute(statement).all())

    def _rows(self, statement: Any) -> list[Any]:
        return list(self.world.server.sql.execute(statement).scalars())

    def runs(self) -> list[Run]:
        """Return all runs."""
        rows = self.world.server.sql.execute(select(schema.runs).order_by(schema.runs.c.id)).mappings()
        return [runs._value(row) for row in rows]

    def audited(self) -> list[AuditRecord]:
        """Return all audit records."""
        return [unpack(AuditRecord, data) for data in self._rows(select(schema.audit_records.c.data))]

    def run(self, run_id: int) -> Run:
        """Return a run."""
        return next(run for run in self.runs() if run.id == run_id)

    def environments(self) -> list[Environment]:
        """Return all environments, removed ones included."""
        return [unpack(Environment, data) for data in self._rows(select(schema.environments.c.data))]

    def deliveries(self) -> dict[str, tuple[str, str]]:
        """Return the state and the ending of each delivery, by key."""
        columns = schema.deliveries.c
        return {
            key: (state, ending)
            for key, state, ending in self.all(select(columns.key, columns.state, columns.ending))
        }

    def comments(self) -> list[Comment]:
        """Return the comments of the bot."""
        return [one for one in self.world.gitee.comments.values() if one.author == BOT]

    def digests(self) -> dict[int, str]:
        """Return what the store knows of the texts of comments; of a late reply it knows that it exists."""
        rows = self.all(select(schema.comments.c.comment_id, schema.comments.c.body_digest))
        bodies = self.world.gitee.comments
        late = {at: sha256(bodies[at].body.encode()).hexdigest() for at, _ in rows if at in bodies}
        return {at: digest or late.get(at, "") for at, digest in rows}

    def busy(self) -> int:
        """Return the number of a replica that executes a run, by default 0."""
        holders = [held[-1][1] for held in self.holders.values() if held]
        processes = [self.process(name) for name in holders if name]
        return next((one.number for one in self.replicas if one.process in processes), 0)

    def process(self, name: str) -> Process | None:
        """Return the process of a member."""
        names = {known: process for replica in self.replicas for known, process in replica.joined}
        return names.get(name)


def unfinished(record: Record) -> list[str]:
    """Return what must still happen, by the rules of the crash tests and more."""
    members = {record.process(name) for name in record.world.server.members}
    wrong = [f"{one.process.name} is no member" for one in record.replicas if one.process not in members]
    wrong += rules.wrong_in_the_end(_final(record))
    return wrong or [*_folded(record), *_things(record), *_answers(record)]


def _final(record: Record) -> Final:
    """Return what the crash tests also compare in the end."""
    run, comment = schema.runs.c, schema.comments.c
    return Final(
        runs=record.runs(),
        deliveries={key: state for key, (state, _) in record.deliveries().items()},
        comments=[Written(one.id, f"{one.repo}!{one.number}", one.body) for one in record.comments()],
        recorded=record.digests(),
        outdated=[one.id for one in record.all(select(run.id).where(run.shown_revision < run.revision))],
        lost=[one.marker for one in record.all(select(comment.marker).where(comment.lost_at.is_not(None)))],
        audited=record.audited(),
    )


def check(record: Record) -> list[str]:
    """Return every broken rule."""
    crashes = [crash for replica in record.replicas for crash in replica.crashes]
    return [*record.bugs, *crashes, *_executed_twice(record), *_after_the_fence(record), *unfinished(record)]


def _executed_twice(record: Record) -> Iterator[str]:
    """Each event has at most one run."""
    by_delivery = Counter(run.origin.delivery for run in record.runs() if run.origin.delivery)
    yield from (f"{count} runs of delivery {key[:12]}" for key, count in by_delivery.items() if count > 1)


def _after_the_fence(record: Record) -> Iterator[str]:
    """Only the holder of a run asks a runner for something, and what was frozen, once, when it goes on."""
    names = {name: process for replica in record.replicas for name, process in replica.joined}
    for effect in record.world.runner.effects:
        held = [(at, names.get(name)) for at, name in record.holders[effect.holder.run]]
        now = bisect_right(held, effect.asked_at, key=lambda one: one[0]) - 1
        if now >= 0 and held[now][1] is effect.process:
            continue
        ends = [one[0] for before, one in pairwise(held) if before[1] is effect.process]
        lost = max((at for at in ends if at <= effect.asked_at), default=None)
        if not _just_woken(effect, lost):
            since = "without holding it" if lost is None else f"which it lost at {lost:.3f}"
            what = f"{effect.operation} for run {effect.holder.run} at {effect.asked_at:.3f}"
            yield f"{effect.process.name} asked for {what}, {since}"


def _just_woken(effect: Effect, lost: float | None) -> bool:
    return lost is not None and any(
        woken <= effect.asked_at <= woken + GRACE for woken in effect.process.wakes
    )


def _folded(record: Record) -> Iterator[str]:
    """Compare whether the comment of a run says that it is followed by another one."""
    bodies = {found.marker: one.body for one in record.comments() if (found := markers.read(one.body))}
    following: dict[int, int] = {}
    for run in record.runs()[::-1]:
        body, folded = bodies[markers.of_run(run)], f" folded by {following.get(run.number)} "
        if folded not in body:
            yield f"the comment of run {run.id}, {run.state}{folded}, says {body.splitlines()[0]}"
        if run.started_at is not None:
            following[run.number] = run.id


def _things(record: Record) -> Iterator[str]:
    """Check that what is at the runner has an owner, and that what is ready is there, from the same run."""
    environments = {
        one.key: one for one in record.environments() if one.state is not EnvironmentState.REMOVED
    }
    there: dict[EnvironmentKey, int] = {}
    for item in record.world.runner.items.values():
        owner = environments.get(item.key)
        if item.kind is ItemKind.TESTS:
            yield f"the tests of run {item.run} are still there"
        elif owner is None or not owner.state.deployed:
            yield f"nobody owns {item.name} of {item.number}, made by run {item.run}"
        elif item.key in there:
            yield f"two deployments of {item.number} are there, by run {there[item.key]} and run {item.run}"
        else:
            there[item.key] = item.run
    for key, environment in environments.items():
        yield from _environment(record, environment, there.get(key))


def _environment(record: Record, environment: Environment, there: int | None) -> Iterator[str]:
    """Check one environment; `there` is the run that made what is at the runner."""
    key, run_id = environment.key, environment.run
    outage = environment.outage
    stopped = outage is not None and outage.reason is Reason.TEARDOWN_UNFINISHED
    if outage is not None and not stopped and record.run(run_id).state is RunState.PASSED:
        yield f"{key} was ready by run {run_id}, and something removed it: {outage.reason}"
    if environment.state is EnvironmentState.READY and there != run_id:
        yield f"{key} is ready by run {run_id}, and there is that of {there}"
    if record.world.gitee.pulls[key.number].pull.state is not PullState.OPEN:
        yield f"{key} is {environment.state}, and its pull request is closed"


def _answers(record: Record) -> Iterator[str]:
    """Each acknowledged event was decided: a command has its run or its reply, the latest commit a run."""
    states, found = record.deliveries(), record.runs()
    started = {run.origin.delivery for run in found}
    texts = [one.body for one in record.comments()]
    for key in record.acknowledged:
        event = record.events[key]
        state, ending = states.get(key, ("", ""))
        if state not in {DeliveryState.DONE, ""}:
            yield f"{event.trigger} {key[:12]} is {state}: {ending}"
        if event.trigger is Trigger.COMMENT and not (
            key in started or any(markers.reply_keys(key) in text for text in texts)
        ):
            yield f"the command {key[:12]} of {event.number} has neither a run nor a reply: {state} {ending}"
        pull = record.world.gitee.pulls[event.number].pull
        if (
            event.trigger in AUTOMATIC
            and pull.state is PullState.OPEN
            and pull.head.sha == event.head_sha
            and not any(run.number == event.number and run.sha == event.head_sha for run in found)
        ):
            yield f"no run of the latest commit of {event.number}: {state} {ending}"
