"""Plays a script: the replicas, the people and the faults, until everything is finished or time is up."""

import asyncio
import logging
import random
import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from unittest.mock import patch

from bot.app import engine, reconciling
from bot.engine.replicas.periodic_tasks import PeriodicTasks
from bot.model.delivery import Delivery
from bot.model.forge import PullState
from bot.store import arrivals, given_up, runs
from bot.store.random_ids import ALPHABET
from tests.simulation import checker
from tests.simulation.checker import Record
from tests.simulation.faults import fault, heal
from tests.simulation.gitee import Gitee
from tests.simulation.loop import VirtualLoop
from tests.simulation.network import Network
from tests.simulation.postgresql import Server
from tests.simulation.replica import PlainRenderer, Replica, World
from tests.simulation.runner import Runner
from tests.simulation.script import BUSY, FAULTS, SECONDS, Act, Script

LONGEST = 480.0
"""Seconds after the last fault within which everything must be finished."""
LOOK_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class History:
    """What happened, a line for each event, and what is wrong with it."""

    script: Script
    lines: tuple[str, ...]
    problems: tuple[str, ...]
    seconds: float
    """How long it was, in virtual time."""


def play(script: Script) -> History:
    """Play a script from beginning to end."""
    loop = VirtualLoop(_chance("order", script))
    director = Director(script, loop)
    try:
        with _controlled(director.record, _chance("names", script)):
            loop.run_until_complete(director.play())
            problems = (*director.problems(), *loop.problems)
            seconds = loop.time()
            loop.run_until_complete(director.end())
    finally:
        loop.close()
    counted = f"{seconds:.6f} {loop.steps} callbacks, times {loop.times.hexdigest()}"
    return History(script, (*director.record.lines, counted), tuple(problems), seconds)


class Director:
    """Lets happen what the script says."""

    def __init__(self, script: Script, loop: VirtualLoop) -> None:
        self._script = script
        self._loop = loop
        network = Network(loop, _chance("network", script))
        server = Server(loop)
        self.world = World(
            loop,
            network,
            server,
            Gitee(loop=loop, chance=_chance("gitee", script)),
            Runner(loop=loop, chance=_chance("runner", script)),
        )
        self.replicas = [Replica(number, self.world) for number in range(script.replicas)]
        self.record = Record(self.world, self.replicas)
        server.written = self.record.written

    async def play(self) -> None:
        """Play the script, let all faults end, and wait until everything is finished."""
        for replica in self.replicas:
            replica.start()
        for act in self._script.acts:
            await asyncio.sleep(max(act.at - self._loop.time(), 0))
            self._act(act)
        await asyncio.sleep(max(SECONDS - self._loop.time(), 0))
        heal(self.world, self.replicas)
        until = self._loop.time() + LONGEST
        while checker.unfinished(self.record) and self._loop.time() < until:  # noqa: ASYNC110 - virtual time
            await asyncio.sleep(LOOK_SECONDS)

    def problems(self) -> list[str]:
        """Return what is wrong with the history."""
        return checker.check(self.record)

    async def end(self) -> None:
        """End all processes."""
        for replica in self.replicas:
            replica.over = True
            replica.kill()
        await asyncio.sleep(60)

    def _act(self, act: Act) -> None:
        self.record.note(f"{act.kind} {act.replica} {act.seconds} {act.detail}")
        if act.kind in FAULTS:
            replica = self.replicas[self.record.busy() if act.replica == BUSY else act.replica]
            begin, end = fault(act, replica, self.world)
            begin()
            self._loop.outside(act.seconds, end)
        else:
            self._people(act)

    def _people(self, act: Act) -> None:
        gitee = self.world.gitee
        pulls = [one for one, found in gitee.pulls.items() if found.pull.state is PullState.OPEN][::-1]
        if act.kind == "open":
            self._send(act, gitee.open())
        elif act.pull < len(pulls):
            number = pulls[act.pull]
            match act.kind:
                case "push":
                    self._send(act, gitee.push(number))
                case "close":
                    self._send(act, gitee.close(number))
                case _:
                    self._send(act, gitee.say(number, act.detail))

    def _send(self, act: Act, delivery: Delivery) -> None:
        """Send a webhook to one replica, and sometimes the same to another one."""
        self.record.sent(delivery)
        for hook in range(2 if act.pull == 2 else 1):
            replica = self.replicas[(act.replica + hook) % len(self.replicas)]
            if not replica.process.dead:
                task = replica.process.start(replica.deliver(delivery))
                task.add_done_callback(partial(self.record.answered, delivery))


def _chance(what: str, script: Script) -> random.Random:
    return random.Random(f"{what} {script.seed}")  # noqa: S311 - no secret


@contextmanager
def _controlled(record: Record, chance: random.Random) -> Iterator[None]:
    """Count what bots log as a bug as a problem, and replace what would reach beyond the simulation."""
    replaced = [
        # Which tests/dialogue replaces until their session ends.
        (reconciling, "PeriodicTasks", PeriodicTasks),
        (engine, "_renderer", lambda *_: PlainRenderer()),
        (signal, "raise_signal", lambda _: record.bug("a loop ended")),
        (runs, "random_id", lambda length: "".join(chance.choices(ALPHABET, k=length))),
        *((module, "notify", record.world.server.notify) for module in (arrivals, given_up, runs)),
    ]
    handler, logger = _Bugs(record), logging.getLogger("bot")
    level, logger.propagate = logger.level, False
    logger.addHandler(handler)
    logger.setLevel(logging.ERROR)
    try:
        with ExitStack() as stack:
            for module, name, instead in replaced:
                stack.enter_context(patch.object(module, name, instead))
            yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
        logger.propagate = True


class _Bugs(logging.Handler):
    def __init__(self, record: Record) -> None:
        super().__init__(logging.ERROR)
        self._record = record

    def emit(self, record: logging.LogRecord) -> None:
        if record.exc_info:
            self._record.bug(f"{record.getMessage()}: {record.exc_info[1]!r}")
