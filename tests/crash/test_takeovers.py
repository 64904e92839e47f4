"""A replica is killed, hangs, goes mute or is cut off: another one takes over, and never do both work."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from time import monotonic

import pytest

from bot.model.run import RunState
from tests.crash.engine import Call
from tests.crash.fleet import Replica
from tests.crash.scene import Scene
from tests.crash.wire import Wire
from tests.dialogue.tester import REPO
from tests.fakes.adapters import Gate
from tests.real.postgres import PostgresServer

BOUND = 15.0
"""Seconds within which the work of a replica must be taken over."""
LOADED = 2.0
"""How many times the limit a busy machine may need. A take-over that waits for a time-out of TCP, or for the
frozen process itself, takes longer than that."""
CLAIM = b"INSERT INTO queues"


@dataclass
class Victim:
    """The replica that builds, its wire, and the other one."""

    scene: Scene
    wire: Wire
    bot: Replica
    other: Replica
    gate: Gate
    """At which the build of the victim waits."""

    async def taken_over(self, began: float) -> float:
        """Wait until the other one has begun the work of this one; return the seconds since the fault."""
        await self.scene.until(self._continued)
        return self._continued()[0].began - began

    def _continued(self) -> list[Call]:
        calls = self.scene.engine.calls
        return [call for call in calls if call.pid == self.other.pid and call.pull == calls[0].pull]

    def states(self) -> set[RunState]:
        return {run.state for run in self.scene.ledger.runs()}


@pytest.fixture
async def victim(shared_scene: Scene) -> AsyncIterator[Victim]:
    scene = shared_scene
    async with Wire(scene.store_url) as wire:
        (bot,) = await scene.start(1, store={"url": wire.bot_url})
        gate = scene.engine.hold("build")
        await scene.open()
        await gate.reached()
        (*_, other) = await scene.start(1)
        assert scene.busy_replica() is bot
        yield Victim(scene, wire, bot, other, gate)


async def passed(victim: Victim) -> None:
    await victim.scene.until(lambda: victim.states() == {RunState.PASSED})
    assert len(victim.scene.comments("chatops:run=")) == len(victim.scene.ledger.runs())


async def works_alone(victim: Victim) -> None:
    """Let the victim do all work from here on: it is a member again."""
    before = len(victim.scene.engine.calls)
    victim.scene.send_webhooks_only_to(victim.bot)
    await victim.other.kill()
    await victim.scene.open()
    await victim.scene.until(
        lambda: victim.states() == {RunState.PASSED} and len(victim.scene.ledger.runs()) == 2
    )
    assert {call.pid for call in victim.scene.engine.calls[before:]} == {victim.bot.pid}
    assert victim.scene.engine.overlaps == []


async def test_killed(victim: Victim) -> None:
    began = monotonic()
    await victim.bot.kill()
    assert await victim.taken_over(began) < BOUND * LOADED
    await passed(victim)
    assert victim.scene.engine.overlaps == []


async def test_cut_off(victim: Victim) -> None:
    """Its machine is gone, and nothing closes its connections."""
    began = monotonic()
    victim.wire.mute = True
    await victim.bot.kill()
    assert await victim.taken_over(began) < BOUND * LOADED
    await passed(victim)
    assert victim.scene.engine.overlaps == []


async def test_mute(victim: Victim) -> None:
    """It lives, but neither side hears from the other: it has stopped before the other one begins."""
    began = monotonic()
    victim.wire.mute = True
    assert await victim.taken_over(began) < BOUND * LOADED
    await passed(victim)
    assert victim.scene.engine.overlaps == []
    victim.wire.mute = False
    await works_alone(victim)


async def test_lost_connections(victim: Victim) -> None:
    """Only the connections that it had stay mute: it keeps its work, by new ones."""
    victim.wire.lose()
    await victim.scene.until(lambda: "no answer" in victim.bot.log.read_text())
    victim.gate.open()
    await passed(victim)
    assert {call.pid for call in victim.scene.engine.calls} == {victim.bot.pid}
    assert victim.scene.engine.overlaps == []
    await works_alone(victim)


@pytest.mark.parametrize("during_a_claim", [False, True])
async def test_frozen(victim: Victim, *, during_a_claim: bool) -> None:
    scene = victim.scene
    if during_a_claim:
        frozen: list[float] = []

        def freeze() -> None:
            victim.bot.freeze()
            frozen.append(monotonic())

        victim.wire.when(CLAIM, freeze)
        scene.send_webhooks_only_to(victim.bot)
        await scene.open()
        await scene.until(lambda: frozen)
        (began,) = frozen
    else:
        began = monotonic()
        victim.bot.freeze()
    assert await victim.taken_over(began) < BOUND * LOADED
    await passed(victim)
    before = len(scene.engine.calls)
    victim.bot.thaw()
    await scene.until(lambda: "stops its work" in victim.bot.log.read_text())
    await scene.until(lambda: scene.engine.under_way() == [])
    await scene.idle()
    assert len(scene.engine.calls) == before
    await passed(victim)


@pytest.mark.parametrize("preparation", ["parts of", "build"], ids=["a deployment", "a test suite"])
async def test_frozen_while_it_prepared(victim: Victim, preparation: str) -> None:
    """Its successor has removed the environment by then, so that the runner would refuse nothing."""
    scene = victim.scene
    preparing = scene.engine.hold(preparation)
    victim.gate.open()
    await preparing.reached()
    victim.bot.freeze()
    preparing.open()
    await passed(victim)
    scene.send_webhooks_only_to(victim.other)
    await scene.gitee.comment(REPO, 1, "/teardown", by="mei")
    await scene.until(lambda: len(scene.ledger.runs()) == 2)
    await passed(victim)
    before = len(scene.engine.calls)
    victim.bot.thaw()
    await scene.until(lambda: "stops its work" in victim.bot.log.read_text())
    await scene.until(lambda: scene.engine.under_way() == [])
    assert scene.engine.calls[before:] == []
    assert scene.engine.environments == {}


async def test_a_read_only_server_ends_no_bot(shared_scene: Scene, postgres: PostgresServer) -> None:
    """As after a failover to a standby that is not promoted yet."""
    bots = await shared_scene.start(2)
    gate = shared_scene.engine.hold("build")
    await shared_scene.open()
    await gate.reached()
    try:
        postgres.execute("ALTER SYSTEM SET default_transaction_read_only = on")
        postgres.execute("SELECT pg_reload_conf()")
        await shared_scene.until(lambda: all("stops its work" in bot.log.read_text() for bot in bots))
        gate.open()
    finally:
        postgres.execute("ALTER SYSTEM RESET default_transaction_read_only")
        postgres.execute("SELECT pg_reload_conf()")
    await shared_scene.idle()
    assert [run.state for run in shared_scene.ledger.runs()] == [RunState.PASSED]
    assert all(bot.alive for bot in bots)
    assert shared_scene.engine.overlaps == []
