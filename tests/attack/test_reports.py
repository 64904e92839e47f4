"""Attacks by reports that a suite writes, on a real `chatops serve` process."""

import contextlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import httpx

from tests.crash.scene import Scene
from tests.dialogue.tester import REPO

CASES = b"<testcase name='a'/>" * 790_000
"""Together with its suite below the runners' limit for a file; three are below the one for all files."""
ANSWERS = 20
SAID = "Reading the test report `/reports/b.xml`, `/reports/c.xml` takes more than 20 s"


def children(pid: int) -> Iterator[int]:
    """Yield the processes of the sandbox that this process has started."""
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            parent = (process / "stat").read_text().rpartition(")")[2].split()[1]
            if int(parent) == pid and b"sandbox/child.py" in (process / "cmdline").read_bytes():
                yield int(process.name)


async def test_the_bot_answers_while_it_reads_a_report(lone_scene: Scene, tmp_path: Path) -> None:
    (tmp_path / "written").mkdir()
    for name in ("a.xml", "b.xml", "c.xml"):
        (tmp_path / "written" / name).write_bytes(b"<testsuite>" + CASES + b"</testsuite>")
    lone_scene.engine.report_folder = str(tmp_path / "written")
    [replica] = await lone_scene.start()
    number = await lone_scene.open()
    await lone_scene.until(lambda: [*children(replica.pid)])
    reading = next(children(replica.pid))
    os.kill(reading, signal.SIGSTOP)  # however busy the machine is, reading takes longer than answering
    try:
        async with httpx.AsyncClient(base_url=replica.url, timeout=60) as client:
            for _ in range(ANSWERS):
                assert (await client.get("/healthz")).status_code == 200
        await lone_scene.gitee.comment(REPO, number, "/help build", by="lin")
        await lone_scene.until(lambda: lone_scene.comments("/build"))
    finally:
        os.kill(reading, signal.SIGCONT)
    await lone_scene.until(lambda: lone_scene.comments(SAID))
    assert not [*children(replica.pid)]
    assert "Traceback" not in replica.log.read_text()
