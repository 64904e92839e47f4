"""`chatops playground` as a person starts and ends it: addresses printed, a first pull request, Ctrl-C."""

import asyncio
import re
import signal
import sys
from pathlib import Path
from typing import Any

import docker
import httpx
import pytest

from bot.core.naming import LABEL_INSTANCE
from tests.real.parts import RegistryProcess
from tests.real.ports import free_port

pytestmark = pytest.mark.docker


async def test_it_prints_where_to_look_and_ends_without_a_trace(
    tmp_path: Path, registry: RegistryProcess, sdk: docker.DockerClient
) -> None:
    ports = [str(free_port()) for _ in range(3)]
    started = await asyncio.create_subprocess_exec(
        sys.executable, "-u", "-m", "bot.cli", "playground", "--data-dir", str(tmp_path),
        "--registry", f"http://{registry.host}", "--port", ports[0], "--bot-port", ports[1],
        "--preview-port", ports[2],
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    assert started.stdout is not None
    output = ""
    try:
        async with asyncio.timeout(60):
            while "Ctrl-C" not in output:
                output += (await started.stdout.readline()).decode()
        pull = re.search(r"Pull request +(http\S+)", output)
        assert pull is not None, output
        async with httpx.AsyncClient() as visitor:
            assert "显示留言的时间" in (await visitor.get(pull[1])).text
            assert (await visitor.get(f"http://127.0.0.1:{ports[1]}/readyz")).is_success
    finally:
        started.send_signal(signal.SIGINT)
        async with asyncio.timeout(60):
            await started.wait()
    assert started.returncode == 0
    wanted: Any = {"label": f"{LABEL_INSTANCE}=playground-{ports[1]}"}
    assert sdk.containers.list(all=True, filters=wanted) == []
    assert sdk.images.list(filters=wanted) == []


async def test_a_taken_port_is_named(tmp_path: Path, registry: RegistryProcess) -> None:
    taken = registry.host.rpartition(":")[2]
    started = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot.cli", "playground", "--data-dir", str(tmp_path),
        "--registry", f"http://{registry.host}", "--port", taken,
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    async with asyncio.timeout(60):
        _, output = await started.communicate()
    assert started.returncode == 1
    assert f"port {taken} is taken" in output.decode()
