"""Measures how many deliveries per second the intake stores, against a handler that only verifies signatures.

`make bench` runs it. It sends a few thousand deliveries over loopback, then sends from ten times as many
concurrent senders until the inbox is full. Sender and receivers are separate processes. COUNT=… sets the
number of deliveries.
"""

import asyncio
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.receivers import SECRET
from tests.crash.fleet import Replica
from tests.crash.ledger import Ledger
from tests.real.parts import wait_until_open
from tests.real.ports import free_port
from tests.real.postgres import PostgresServer

COUNT = int(os.environ.get("COUNT", "3000"))
AT_ONCE = 50
OVERLOAD = 10
CAPACITY = 10_000
"""Deliveries that the inbox holds before it answers 503."""
BOUND = 300
"""Seconds that one measurement may take."""


@dataclass(frozen=True)
class Figures:
    """One measurement."""

    name: str
    stored: int
    refused: int
    other: int
    seconds: float
    p50: float
    p99: float

    @property
    def rate(self) -> float:
        """Deliveries stored per second."""
        return self.stored / self.seconds

    def line(self, ceiling: "Figures") -> str:
        """Return a row of the table; `ceiling` is 100 %."""
        return (
            f"| {self.name} | {self.rate:.0f}/s | {self.rate / ceiling.rate:.0%} | {self.p50:.0f} ms |"
            f" {self.p99:.0f} ms | {self.refused} | {self.other} |"
        )


def measure(name: str, port: int, *, count: int, at_once: int, first: int = 1) -> Figures:
    """Send deliveries from another process and return the figures."""
    url = f"http://127.0.0.1:{port}/webhooks/gitee"
    command = [sys.executable, "-m", "benchmarks.sending", url, str(count), str(at_once), str(first)]
    done = subprocess.run(command, check=True, capture_output=True, timeout=BOUND)  # noqa: S603 - written above
    found: dict[str, Any] = json.loads(done.stdout)
    statuses = {int(status): number for status, number in found["statuses"].items()}
    stored, refused = statuses.pop(200, 0), statuses.pop(503, 0)
    return Figures(
        name, stored, refused, sum(statuses.values()), found["seconds"], found["p50"], found["p99"]
    )


def ceiling() -> Figures:
    """Measure the handler that stores nothing."""
    port = free_port()
    with subprocess.Popen([sys.executable, "-m", "benchmarks.receivers", str(port)]) as process:  # noqa: S603 - written above
        try:
            wait_until_open(f"127.0.0.1:{port}")
            return measure("signature only", port, count=COUNT, at_once=AT_ONCE)
        finally:
            process.terminate()


def peak(pid: int) -> float:
    """Return the peak memory of a process, in MiB."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


async def bot(name: str, store_url: str, folder: Path) -> tuple[list[Figures], str]:
    """Measure a bot whose Gitee does not answer, so that every delivery stays in the inbox.

    Returns the figures at normal load and at overload, and one line about memory and answers.
    """
    replica = Replica(folder, sections(store_url), remote=False)
    replica.start()
    try:
        await replica.ready()
        usual = await asyncio.to_thread(measure, name, replica.port, count=COUNT, at_once=AT_ONCE)
        before = peak(replica.pid)
        flood: dict[str, int] = {"count": CAPACITY, "at_once": AT_ONCE * OVERLOAD, "first": COUNT + 1}
        full = await asyncio.to_thread(measure, f"{name}, {OVERLOAD} × the senders", replica.port, **flood)
        stored = len(Ledger(store_url).deliveries())
        memory = (
            f"{name}: {peak(replica.pid) / before:.2f} × the memory ({before:.0f} MiB before); "
            f"{usual.stored + full.stored} answered 200, {stored} in the store, {full.refused} answered 503"
        )
        return [usual, full], memory
    finally:
        await replica.dispose()


def sections(store_url: str) -> dict[str, dict[str, object]]:
    """Return the settings of a bot without Gitee and without an engine."""
    return {
        "gitee": {"url": f"http://127.0.0.1:{free_port()}", "webhook_secret": [SECRET], "window": 3600},
        "store": {"url": store_url},
        "docker": {"enabled": False},
        "repos": {"allow": ["*/*"]},
    }


async def main() -> None:
    """Measure everything and print the table of docs/performance.md."""
    top = await asyncio.to_thread(ceiling)
    server = await asyncio.to_thread(PostgresServer)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        try:
            lite, lite_memory = await bot("SQLite", f"sqlite:///{folder}/chatops.db", folder / "lite")
            large, large_memory = await bot("PostgreSQL", server.url(server.create()), folder / "large")
        finally:
            await asyncio.to_thread(server.remove)
    print("| | stored | of the ceiling | p50 | p99 | 503 | other |\n|---|---|---|---|---|---|---|")
    for figures in (top, *lite, *large):
        print(figures.line(top))
    print(f"\n{lite_memory}\n{large_memory}")


if __name__ == "__main__":
    asyncio.run(main())
