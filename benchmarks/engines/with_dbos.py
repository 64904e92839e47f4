"""Measures a hundred workflows of four empty steps on DBOS Transact, with SQLite configured as in the bot.

Run it in a separate environment with the `requirements.txt` of this folder:
`python with_dbos.py sqlite:////tmp/dbos.db`, or `postgresql+psycopg://…`
"""

import asyncio
import sys
import time

from dbos import DBOS
from sqlalchemy import create_engine, event

RUNS = 100
STEPS = 4


def _configured(url):
    config = {
        "name": "sketch",
        "system_database_url": url,
        "application_version": "1",
        "executor_id": "one",
        "run_admin_server": False,
        "max_executor_threads": 16,
    }
    if url.startswith("sqlite"):
        engine = config["system_database_engine"] = create_engine(url)
        event.listen(engine, "connect", _durable)
    return config


def _durable(connection, _record):
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=10000", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


async def main(url):
    """Enqueue all workflows, finish them, and print both rates."""
    DBOS(config=_configured(url))

    @DBOS.step()
    async def step(number):
        return number

    @DBOS.workflow()
    async def run(asked_at):
        delay = time.time() - asked_at
        for number in range(STEPS):
            await step(number)
        return delay

    DBOS.launch()
    await DBOS.register_queue_async("runs", polling_interval_sec=0.25)
    began = time.perf_counter()
    handles = [await DBOS.enqueue_workflow_async("runs", run, time.time()) for _ in range(RUNS)]
    enqueued = time.perf_counter()
    await asyncio.gather(*(handle.get_result() for handle in handles))
    finished = time.perf_counter()
    print(f"enqueued {RUNS / (enqueued - began):.0f}/s, finished {RUNS / (finished - began):.0f}/s")
    DBOS.destroy()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
