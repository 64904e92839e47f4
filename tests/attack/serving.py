"""Runs a real `chatops serve` whose Gitee does not answer."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from bot.store import runs
from bot.store.records import Store
from tests.crash.fleet import Replica
from tests.dialogue.tester import SECRET
from tests.real.ports import free_port
from tests.web.fakes import finished_run


def started(folder: Path, store: str = "", **server: object) -> Replica:
    """Start a bot whose Gitee does not answer; `store` is the URL of its database."""
    replica = Replica(
        folder,
        {
            "server": server,
            "gitee": {"url": f"http://127.0.0.1:{free_port()}", "webhook_secret": [SECRET]},
            "docker": {"enabled": False},
            "repos": {"allow": ["team/*"]},
            "store": {"url": store} if store else {},
        },
        remote=False,
    )
    replica.start()
    asyncio.run(replica.ready())
    return replica


def serving(folder: Path, store: str = "", **server: object) -> Iterator[Replica]:
    """Run a bot, and stop it at the end."""
    replica = started(folder, store, **server)
    yield replica
    asyncio.run(replica.dispose())


def with_report(folder: Path, name: str, html: str) -> int:
    """Store a run with an HTML report of a suite for the bot of this folder, and return the run's id."""
    data = folder / "data"
    data.mkdir()
    run = asyncio.run(_stored_run(data))
    report = data / f"runs/{run}" / name
    report.parent.mkdir(parents=True)
    report.write_text(html)
    return run


async def _stored_run(data: Path) -> int:
    store = await Store.open(f"sqlite:///{data}/chatops.db")
    run = replace(finished_run(), finished_at=datetime.now(UTC))
    stored = await store.database.run(lambda connection: runs.add(connection, run))
    await store.close()
    return stored.id
