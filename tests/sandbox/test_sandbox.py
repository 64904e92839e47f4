"""The sandbox: what its processes get, what their limits end, and what the bot accepts from them."""

import asyncio
import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bot.core.results import job_results, report_files
from bot.core.results.unreadable import UnreadableFileError
from bot.gitee.signature import Verdict
from bot.model.errors import TellUser, TooExpensive
from bot.model.limits import SandboxLimits
from bot.model.reason import Reason
from bot.sandbox import child, process
from bot.sandbox.process import ProcessSandbox
from tests.sandbox import hostile

LIMITS = SandboxLimits(seconds=1, memory=256 << 20, output=1 << 20)
PATIENCE = 60.0


async def call(function: Callable[..., Any], *args: Any, limits: SandboxLimits = LIMITS) -> Any:
    return await ProcessSandbox().call(limits, "the file", function, *args)


async def test_a_function_is_called_in_another_process() -> None:
    assert await call(hostile.process_id) != os.getpid()


async def test_small_arguments_are_read_here() -> None:
    limits = SandboxLimits(seconds=1, inline=1_000)

    assert await call(hostile.process_id, b"x" * 800, limits=limits) == os.getpid()
    assert await call(hostile.process_id, b"x" * 1_001, limits=limits) != os.getpid()


async def test_values_of_the_bot_are_returned() -> None:
    content = {"a.xml": b"<testsuite><testcase name='t'/></testsuite>"}

    assert await call(report_files.read, content) == report_files.read(content)


async def test_errors_of_the_bot_are_raised_here() -> None:
    with pytest.raises(UnreadableFileError) as caught:
        await call(job_results.read, {"image.txt": b"shop"})

    assert caught.value.path == "image.txt"
    assert str(caught.value) == "image.txt: IMAGE should be registry/repository:tag"


async def test_the_error_of_a_pull_request_keeps_its_reason() -> None:
    with pytest.raises(TellUser) as caught:
        await call(_raise_tell_user)

    assert (caught.value.reason, caught.value.facts) == (Reason.NO_PORT, {"a": "b"})


def _raise_tell_user() -> None:
    raise TellUser(Reason.NO_PORT, {"a": "b"})


async def test_a_bug_is_raised_with_its_trace() -> None:
    with pytest.raises(RuntimeError, match=r"(?s)reading the file: .*foreign_error.*a bug"):
        await call(hostile.foreign_error)


@pytest.mark.attack
async def test_a_process_has_no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHATOPS_GITEE__TOKEN", "secret")

    # Python itself sets the locale.
    assert not (await call(hostile.environment)).keys() - {"LC_CTYPE"}


@pytest.mark.attack
async def test_limits_are_the_kernels() -> None:
    assert await call(hostile.limits) == {
        "cpu": (1, 1 + child.GRACE),
        "memory": (256 << 20, 256 << 20),
        "files": (child.FILES, child.FILES),
        "file size": (1 << 20, 1 << 20),
        "core": (0, 0),
    }


@pytest.mark.attack
@pytest.mark.parametrize("function", [hostile.endless, hostile.memory, hostile.output])
async def test_what_takes_too_much_is_named(function: Callable[[], object]) -> None:
    with pytest.raises(TooExpensive) as caught:
        await call(function)

    assert caught.value.reason is Reason.TOO_EXPENSIVE
    assert caught.value.facts == {"name": "the file", "seconds": "1", "limit": "256 MiB"}


@pytest.mark.attack
async def test_a_process_that_does_not_stop_is_killed() -> None:
    with pytest.raises(TooExpensive):
        await call(hostile.stubborn)


@pytest.mark.attack
async def test_files_have_limits(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="File too large"):
        await call(hostile.file, str(tmp_path / "file"))
    with pytest.raises(RuntimeError, match="Too many open files"):
        await call(hostile.many_files)

    assert (tmp_path / "file").stat().st_size == 1 << 20


@pytest.mark.attack
@pytest.mark.parametrize(
    "sent",
    [
        pickle.dumps(("value", Path("/"))),
        pickle.dumps(("value", os.getcwd)),
        b"cposix\nsystem\n(Vtrue\ntR.",
        b"cbot.sandbox.process\nasyncio.sleep\n(K\x01tR.",
        b"cbot.sandbox.child\nmain\n(]tR.",
        b"cbot.gitee.signature\nVerdict\n(N}Vaccepted\nI01\nstb.",
        b"cbot.web.connections\nConnections\n(N}Vadd\nI01\nstb.",
        b"cbot.gitee.signature\nVerdict\n(Vmismatch\ntR}V_value_\nVaccepted\nsb.",
        b"cbot.gitee.signature\nVerdict\n(Vmismatch\ntR(N}V_value_\nVaccepted\nstb.",
    ],
    ids=[
        *("foreign class", "function", "system", "through a module of the bot", "function of the bot"),
        *("attribute of an enum", "attribute of a class", "attribute of a member", "slot of a member"),
    ],
)
def test_a_process_that_was_taken_over_sends_no_code(tmp_path: Path, sent: bytes) -> None:
    file = tmp_path / "sent"
    file.write_bytes(sent)

    with file.open("rb") as opened, pytest.raises((pickle.UnpicklingError, AttributeError, TypeError)):
        process._read(opened)

    assert Verdict.MISMATCH.accepted is False
    assert Verdict.MISMATCH.value == "mismatch"


async def test_a_cancelled_call_ends_its_process(tmp_path: Path) -> None:
    file = tmp_path / "pid"
    calling = asyncio.create_task(call(hostile.announced, str(file), limits=SandboxLimits(seconds=60)))
    async with asyncio.timeout(PATIENCE):
        while not (file.exists() and file.read_text()):  # noqa: ASYNC110 - a process can only be asked
            await asyncio.sleep(0.01)
    calling.cancel()
    with pytest.raises(asyncio.CancelledError):
        await calling

    with pytest.raises(ProcessLookupError):
        os.kill(int(file.read_text()), 0)


async def test_processes_at_the_same_time_are_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    running: list[int] = []
    most = 0

    async def executed(*_: object) -> tuple[str, Any]:
        nonlocal most
        running.append(1)
        most = max(most, len(running))
        await asyncio.sleep(0)
        running.pop()
        return child.VALUE, None

    monkeypatch.setattr(process, "_executed", executed)
    sandbox = ProcessSandbox()
    await asyncio.gather(*(sandbox.call(LIMITS, "", hostile.environment) for _ in range(9)))

    assert most == process.PROCESSES
