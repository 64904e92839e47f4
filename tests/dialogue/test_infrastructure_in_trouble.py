"""Outages of the engine, git and the registry: retries, and what the comment says."""

import asyncio
import logging
from collections.abc import Callable, Collection, Sequence

import pytest

from bot.engine.deciding.facts import FactGatherer
from bot.engine.poll_loop import RETRY_AFTER_BUG
from bot.engine.running.active_run import ActiveRun
from bot.engine.running.executor import RunExecutor
from bot.model.errors import GiveUp, Overtaken, RetryLater, TellUser
from bot.model.forge import RepoPath
from bot.model.inventory import Item, ItemKind
from bot.model.lease import Lease
from bot.model.queue import QueueEntry
from bot.model.reason import Reason
from bot.model.run import Run, RunState
from bot.store.pull_writer import PullWriter
from bot.store.runs import Runs
from tests.dialogue.offline import OfflineTester
from tests.dialogue.rendered import Rendered
from tests.dialogue.tester import REPO

ENGINE_GONE = RetryLater(Reason.ENGINE_UNAVAILABLE, {"message": "connection refused"})
FOR_EVER = [ENGINE_GONE] * 20


async def test_a_run_waits_until_the_engine_is_back(tester: OfflineTester) -> None:
    tester.world.script.fail("build", ENGINE_GONE, ENGINE_GONE)
    assert "2 tests passed" in await tester.opened()
    assert tester.clock.noticed == [2.0, 4.0]
    notes = tester.world.logs[1, "build"].notes
    assert "engine_unavailable: connection refused — again in 2 s" in notes


async def test_parts_of_a_run_that_the_store_does_not_know_are_replaced(tester: OfflineTester) -> None:
    """As after the store was restored from a backup. The run holds its lease, so no other run owns them."""
    lost = Item(ItemKind.CONTAINER, "c1", "app", RepoPath.parse(REPO), 1, "preview", run=57)
    tester.world.extra_items.append(lost)
    tester.world.script.fail("deploy", Overtaken(Reason.ENGINE_UNAVAILABLE, [lost]))
    assert "2 tests passed" in await tester.opened()
    assert tester.world.removed_items == [lost]
    assert tester.clock.noticed == []


HOSTILE = RetryLater(Reason.REGISTRY_UNAVAILABLE, {"message": "502 | <!-- x --> @all **bold**"})


@pytest.mark.parametrize(
    ("operation", "error", "shown"),
    [
        ("build", ENGINE_GONE, "The Docker Engine does not respond: `connection refused`, retrying in 2 s"),
        (
            "fetch",
            RetryLater(Reason.GIT_UNAVAILABLE, {"message": "fatal: early EOF"}),
            "The code cannot be fetched for now: `fatal: early EOF`, retrying in 2 s",
        ),
        (
            "push",
            RetryLater(Reason.REGISTRY_UNAVAILABLE, {"message": "503"}, delay=30),
            "The image registry does not respond: `503`, retrying in 30 s",
        ),
    ],
)
async def test_the_comment_shows_what_a_step_waits_for(
    tester: OfflineTester, operation: str, error: Exception, shown: str
) -> None:
    tester.world.script.fail(operation, error)
    gate = tester.world.script.hold(operation)
    waited = tester.clock.hold_waits()
    await tester.open()
    await tester.sees(shown)
    (run,) = await tester.bot.store.runs.unfinished()
    assert run.steps[0].trouble is not None
    waited.open()
    await gate.reached()
    await tester.gitee.wait_for(lambda: shown not in tester.comments()[0].body, tester.patience)
    gate.open()
    assert "2 tests passed" in await tester.living(1)


async def test_error_messages_of_infrastructure_are_escaped(tester: OfflineTester) -> None:
    tester.world.script.fail("push", HOSTILE)
    waited = tester.clock.hold_waits()
    await tester.open()
    body = await tester.sees("The image registry does not respond")
    Rendered(body).assert_harmless("chatops:run=1")
    waited.open()
    assert "2 tests passed" in await tester.living(1)


async def test_a_restart_clears_the_waiting_reason(tester: OfflineTester) -> None:
    tester.world.script.fail("build", ENGINE_GONE)
    waited = tester.clock.hold_waits()
    await tester.open()
    await tester.sees("retrying in 2 s")
    await tester.stop()
    waited.open()
    await tester.start()
    assert "retrying in" not in await tester.living(1)
    assert [run.state for run in await tester.runs()] == [RunState.PASSED]


async def test_a_lasting_outage_is_not_a_failure_of_the_code(tester: OfflineTester) -> None:
    tester.world.script.fail("deploy", *FOR_EVER)
    said = await tester.opened()
    assert "⚠️ **Deploy interrupted**" in said
    assert "`connection refused`" in said
    assert "not your code" in said or "not a fault of the code" in said or "code is not" in said
    assert "| Test | skipped |" in said
    assert 60 < tester.clock.ahead.total_seconds() < 600


@pytest.mark.parametrize(
    ("operation", "error", "said"),
    [
        ("push", RetryLater(Reason.REGISTRY_UNAVAILABLE, {"message": "502"}, delay=7200), "`502`"),
        ("push", GiveUp(Reason.REGISTRY_DENIED, {"repository": "team/shop"}), "`team/shop`"),
        ("fetch", GiveUp(Reason.GIT_DENIED, {"repository": "team/shop"}), "`team/shop`"),
    ],
)
async def test_problems_that_only_the_operator_can_fix_say_so(
    tester: OfflineTester, operation: str, error: Exception, said: str
) -> None:
    tester.world.script.fail(operation, error)
    comment = await tester.opened()
    assert "⚠️ **Build interrupted**" in comment
    assert said in comment


async def test_a_bug_is_an_apology_with_an_id(
    tester: OfflineTester, caplog: pytest.LogCaptureFixture
) -> None:
    tester.world.script.fail("test", RuntimeError("secret detail"))
    said = await tester.opened()
    assert "⚠️ **Tests interrupted**" in said
    assert "secret detail" not in said
    (bug,) = [record for record in caplog.records if "because of a bug" in record.msg]
    assert f"`{bug.args[1]}`" in said  # type: ignore[index] # our own call
    assert "2 tests passed" in await tester.says("/test")


async def test_a_bug_in_a_decision_is_an_apology_with_an_id(
    tester: OfflineTester, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with monkeypatch.context() as patch, caplog.at_level(logging.ERROR):
        patch.setattr(FactGatherer, "gather", None)
        said = await tester.opened()
    assert "The bot had an internal error" in said
    assert len(caplog.records) == 1
    assert str(caplog.records[0].args[2]) in said  # type: ignore[index] # our own call
    assert "Image built" in await tester.says("/build")


@pytest.mark.parametrize(
    ("operation", "error", "said"),
    [
        ("build", TellUser(Reason.BUILD_FAILED, {"instruction": "RUN make", "code": "2"}, log="cc: gone"),
         ["❌ **Build failed**", "`RUN make` failed with exit code 2.", "cc: gone", "`/build`", "`/deploy`"]),
        ("build", TellUser(Reason.DOCKERFILE_INVALID, {"message": "line 3: unknown instruction"}),
         ["❌ **Build failed**", "line 3: unknown instruction"]),
        ("build", TellUser(Reason.TARGET_UNKNOWN, {"target": "web"}),
         ["❌ **Build failed**", "no stage `web`. Its stages: `runtime`, `test`."]),
        ("deploy", TellUser(Reason.CONTAINER_EXITED, {"name": "app", "code": "1"}, log="KeyError: 'A'\nbye"),
         ["❌ **Deploy failed** · `KeyError: 'A'` ·", "with code 1", "bye", "`/deploy`"]),
        ("deploy", TellUser(Reason.UNHEALTHY, {"name": "app", "seconds": "60"}),
         ["❌ **Deploy failed**", "within 1 min"]),
        ("fetch", TellUser(Reason.HEAD_MOVED, {"seen": "a" * 40, "now": "b" * 40}),
         ["❌ **Build failed**", "`aaaaaaaaaaaa`", "`bbbbbbbbbbbb`"]),
    ],
)  # fmt: skip
async def test_a_failure_of_the_code_shows_its_cause_and_the_next_command(
    tester: OfflineTester, operation: str, error: Exception, said: list[str]
) -> None:
    tester.world.script.fail(operation, error)
    comment = await tester.opened()
    for words in said:
        assert words in comment
    assert tester.clock.noticed == []


@pytest.mark.parametrize("name", ["app", "db"])
async def test_a_restricted_service_says_what_it_may_not_do(tester: OfflineTester, name: str) -> None:
    """Additional services are not restricted, whatever they complain about."""
    await tester.configure(
        "version: 1\ndeploy: {restricted: true}\nservices: {db: {image: registry.example.com/team/shop:db}}\n"
    )
    complaint = "OSError: [Errno 30] Read-only file system: 'db.sqlite3'"
    failure = TellUser(Reason.CONTAINER_EXITED, {"name": name, "code": "1"}, log=complaint)
    tester.world.script.fail("deploy", failure)
    comment = await tester.opened()
    assert ("remove `deploy.restricted` from `.chatops.yml`" in comment) is (name == "app")
    assert "Preview ready" in await tester.says("/deploy")
    assert [spec.restricted for spec in tester.world.deployed.values()] == [True]


async def test_a_failed_teardown_is_tried_again(tester: OfflineTester) -> None:
    await tester.opened()
    tester.world.script.fail("remove", ENGINE_GONE, ENGINE_GONE, ENGINE_GONE)
    await tester.close()
    assert "Environment torn down" in await tester.read()
    assert tester.world.deployed == {}


async def test_cancelling_a_run_that_waits_for_the_engine(tester: OfflineTester) -> None:
    gate = tester.world.script.hold("build")
    tester.world.script.fail("build", *FOR_EVER)
    await tester.open()
    await gate.reached()
    await tester.comment("/cancel")
    await tester.sees("Stopping #1, as lin asked.")
    assert "Cancelled by lin" in await tester.living(1)


async def test_a_run_that_could_not_be_executed_is_retried_later(
    tester: OfflineTester, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(_writer: PullWriter, *_asked: object) -> None:
        raise OSError("no space left on device")

    async def tried() -> bool:
        return RETRY_AFTER_BUG in tester.clock.waits

    waited = tester.clock.hold_waits()
    with monkeypatch.context() as patch:
        patch.setattr(PullWriter, "change", full)
        await tester.open()
        await tester.until(tried)
    waited.open()
    assert "Preview ready" in await tester.read()
    assert [run.state for run in await tester.runs()] == [RunState.PASSED]


async def test_a_run_whose_claim_was_committed_without_an_answer_is_executed(
    tester: OfflineTester, monkeypatch: pytest.MonkeyPatch
) -> None:
    claim, lost = Runs.claim, list[int]()

    async def unanswered(
        self: Runs, lease: Lease, choose: Callable[[Sequence[QueueEntry]], Collection[int]]
    ) -> tuple[Run, ...]:
        claimed = await claim(self, lease, choose)
        if claimed and not lost:
            lost.extend(run.id for run in claimed)
            raise RetryLater(
                Reason.STORE_UNAVAILABLE, {"message": "server closed the connection unexpectedly"}
            )
        return claimed

    monkeypatch.setattr(Runs, "claim", unanswered)
    assert "2 tests passed" in await tester.opened()
    assert lost == [1]


async def test_a_run_that_could_not_be_released_is_continued(
    tester: OfflineTester, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(self: RunExecutor, hand: ActiveRun, stop: asyncio.Event) -> None:
        monkeypatch.undo()
        monkeypatch.setattr(Runs, "release", away)
        raise ValueError("a bug")

    async def away(self: Runs, run_id: int, lease: Lease) -> None:
        monkeypatch.undo()
        raise RetryLater(Reason.STORE_UNAVAILABLE, {"message": "no answer"})

    monkeypatch.setattr(RunExecutor, "execute", broken)
    assert "2 tests passed" in await tester.opened()
