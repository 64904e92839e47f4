"""Measures a hundred runs of four empty steps on the bot's own tables.

`python -m benchmarks.engines.own sqlite:////tmp/own.db`
"""

import asyncio
import sys
import time
from datetime import UTC, datetime

from bot.core.runs import lifecycle
from bot.model.delivery import Trigger
from bot.model.forge import RepoPath
from bot.model.lease import Lease
from bot.model.plan import Plan, Teardown
from bot.model.run import Origin, Run, StepResult, StepState
from bot.model.text import Language
from bot.store.records import Store

RUNS = 100
AT_ONCE = 10
STEPS = (Teardown("one"), Teardown("two"), Teardown("three"), Teardown("four"))


def _now() -> datetime:
    return datetime.now(UTC)


def _run(number: int) -> Run:
    origin = Origin(Trigger.COMMENT, "lin")
    return Run(0, RepoPath("team", "shop"), number, "ab" * 20, Plan(STEPS), origin, Language.EN, _now())


async def _execute(store: Store, run: Run, lease: Lease) -> None:
    run = await store.runs.save(lifecycle.start(run, _now()), lease)
    while (index := lifecycle.next_step(run)) is not None:
        run = await store.runs.save(lifecycle.step_started(run, index, _now()), lease)
        done = lifecycle.step_finished(run, index, StepResult(StepState.PASSED), _now())
        run = await store.runs.save(done, lease)


async def main(url: str) -> None:
    """Enqueue all runs, finish them, and print both rates."""
    store = await Store.open(url)
    lease = await store.replicas.join("benchmark")
    began = time.perf_counter()
    for number in range(RUNS):
        await store.start(_run(number))
    enqueued = time.perf_counter()
    while claimed := await store.runs.claim(lease, lambda queue: [entry.id for entry in queue][:AT_ONCE]):
        await asyncio.gather(*(_execute(store, run, lease) for run in claimed))
    finished = time.perf_counter()
    print(f"enqueued {RUNS / (enqueued - began):.0f}/s, finished {RUNS / (finished - began):.0f}/s")
    await store.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
