"""A crash test ends whatever its bots do: if a lane fails, once the others have undone their faults."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.crash import nemesis as carrying_out
from tests.crash.faults import SHARED, Fault, Kind, missing, plan
from tests.crash.fleet import LISTENING, Replica
from tests.crash.gitee_link import Trouble
from tests.crash.history import History
from tests.crash.nemesis import MOST_MISSES, Nemesis
from tests.crash.test_nemesis import SEED, Trial, people_at_work
from tests.real.parts import PATIENCE


@dataclass
class Bot:
    """A fake bot."""

    alive: bool = True
    ended_at_work: bool = False
    port: int = 1
    pid: int = 1
    acts: list[str] = field(default_factory=list)

    def start(self) -> None:
        self.acts.append("start")
        self.alive = True

    def freeze(self) -> None:
        self.acts.append("freeze")

    def thaw(self) -> None:
        self.acts.append("thaw")

    async def supervised(self) -> None:
        """Be ready."""


@dataclass
class Link:
    """A connection to Gitee that does with each fault what a test says."""

    act: Callable[[], Awaitable[bool]]
    asked: int = 0

    async def trouble(self, *_: object) -> bool:
        self.asked += 1
        return await self.act()

    def heal(self) -> None:
        """Do nothing."""


async def hang() -> bool:
    await asyncio.Event().wait()
    return True


async def miss() -> bool:
    return False


async def at_once(*_: object) -> None:
    """Wait for nothing."""


def nemesis(*bots: Any, link: Link | None = None, servers: Any = None) -> Nemesis:
    scene: Any = SimpleNamespace(replicas=bots, history=History(), is_at_work=bool, until=at_once)
    links: Any = [link or Link(miss)]
    return Nemesis(scene, links, random.Random(0), servers=servers)  # noqa: S311 - no secret


def fault(kind: Kind | Trouble, seconds: float = 0.0) -> Fault:
    return Fault(kind, 0, 0.0, seconds)


async def test_a_lane_that_fails_ends_the_round_after_the_others_have_undone_their_fault() -> None:
    acts: list[str] = []

    def begin() -> None:
        acts.append("stop")
        deadline = time.monotonic() + PATIENCE
        while not trying.failed and time.monotonic() < deadline:
            time.sleep(0.001)

    async def fail() -> bool:
        while not acts:  # noqa: ASYNC110 - another thread fills it
            await asyncio.sleep(0.001)
        raise ValueError("the link is broken")

    primary = SimpleNamespace(stop=begin, start=lambda: acts.append("start"), crash=None)
    others = dict.fromkeys(("freeze", "thaw", "make_read_only", "make_writable", "fail_over"))
    trying = nemesis(Bot(), link=Link(fail), servers=SimpleNamespace(primary=primary, **others))
    store = fault(Kind.RESTARTED)
    with pytest.raises(AssertionError, match=r"gitee: “late” on bot 0 failed: .*the link is broken"):
        await trying.carry_out([fault(Trouble.LATE), store, store, fault(Trouble.SLOW)])
    assert acts == ["stop", "start"], "the second fault of the store does not begin"


@pytest.mark.parametrize("kind", [Kind.FROZEN, Trouble.LATE])
async def test_a_fault_that_never_ends_fails_and_is_undone(
    kind: Kind | Trouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(carrying_out, "LONGEST", 0.05)
    bot = Bot()
    with pytest.raises(AssertionError, match=f"“{kind}” on bot 0 failed: TimeoutError"):
        await nemesis(bot, link=Link(hang)).carry_out([fault(kind, PATIENCE)])
    assert bot.acts == (["freeze", "thaw"] if kind is Kind.FROZEN else [])


async def test_a_bot_that_ends_during_its_start_after_its_last_fault_is_started_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(carrying_out, "WATCHING", 0.0)
    without_store, ended = Bot(alive=False), Bot(alive=False, ended_at_work=True)

    async def asked() -> bool:
        async with asyncio.timeout(PATIENCE):
            while not without_store.alive:  # noqa: ASYNC110 - it can only be asked
                await asyncio.sleep(0)
        return True

    trying = nemesis(without_store, ended, link=Link(asked))
    await trying.carry_out([fault(Trouble.LATE)])
    assert (without_store.acts, ended.acts) == (["start"], [])
    assert trying.problems == ["the bot on port 1 has ended by itself"]


async def test_a_bot_that_ends_while_its_lane_waits_for_it_fails_at_once_with_its_last_words(
    tmp_path: Path,
) -> None:
    bot = Replica(tmp_path, {})
    bot.log.write_bytes(LISTENING + b"\nthe last words")
    with pytest.raises(AssertionError, match=r"bot 0: “killed” on bot 0 failed: .*the last words"):
        await nemesis(bot).carry_out([fault(Kind.KILLED), fault(Kind.FROZEN)])


async def test_gitee_without_requests_ends_the_round() -> None:
    link = Link(miss)
    with pytest.raises(AssertionError, match=f"no request came for {MOST_MISSES} faults"):
        await nemesis(Bot(), link=link).carry_out([fault(Trouble.LATE)] * (MOST_MISSES + 3))
    assert link.asked == MOST_MISSES


async def test_no_fault_begins_when_people_cannot_act_any_more() -> None:
    def unfinished() -> int:
        raise ValueError("unreadable")

    trying = nemesis(Bot())
    scene: Any = SimpleNamespace(replicas=[1], ledger=SimpleNamespace(unfinished=unfinished))

    async def round_of_faults() -> None:
        async with asyncio.timeout(PATIENCE), people_at_work(scene, trying):
            while not trying.failed:  # noqa: ASYNC110 - it can only be asked
                await asyncio.sleep(0.001)

    with pytest.raises(ValueError, match="unreadable"):
        await round_of_faults()
    with pytest.raises(AssertionError, match="people cannot act any more"):
        await trying.carry_out([fault(Kind.FULL)])


async def test_a_round_that_fails_names_its_seed(tmp_path: Path) -> None:
    bot = Replica(tmp_path, {})
    bot.log.write_bytes(LISTENING)
    trying = nemesis(bot)
    trying.scene.ledger = SimpleNamespace(unfinished=lambda: 1000)  # type: ignore[misc, assignment]
    with pytest.raises(pytest.fail.Exception, match=rf"(?s)has ended by itself.*SEED={SEED} "):
        await Trial(trying.scene, trying, []).carry_out([fault(Kind.KILLED)], print, tmp_path)
    assert (tmp_path / "history.jsonl").exists()


def test_a_plan_of_many_faults_is_compared_with_what_happened() -> None:
    planned = plan(1, 1000, SHARED, 3)
    happened = Counter(str(one.kind) for one in planned)
    assert missing(planned, happened, 1) == []
    assert missing(planned, happened, 0) == ["no bot was inside a transaction when it was frozen"]
    del happened["late"]
    assert missing(planned, happened, 1) == ["“late” was planned, and never happened"]
    assert missing(planned, Counter(dict.fromkeys(map(str, SHARED), 10)), 1) == [
        f"only {10 * len(set(SHARED))} of 1000 faults happened"
    ]
    assert missing([fault(Kind.KILLED)], {"killed": 1}, 0) == [], "no freeze was planned"
