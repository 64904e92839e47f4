"""`chatops playground` started by hand: printed URLs, a first pull request, Ctrl-C."""

import asyncio
import re
from pathlib import Path
from typing import Any

import docker
import httpx
import pytest

from bot.core.naming import LABEL_INSTANCE
from tests.e2e.command import playground
from tests.real.parts import PATIENCE, RegistryProcess
from tests.real.ports import free_port

pytestmark = pytest.mark.docker


async def invitation(started: asyncio.subprocess.Process) -> str:
    """Return the output up to the line that says how to stop it."""
    assert started.stdout is not None
    output = ""
    async with asyncio.timeout(PATIENCE):
        while "Ctrl-C" not in output:
            line = await started.stdout.readline()
            assert line, f"it ended:\n{output}"
            output += line.decode()
    return output


async def test_it_prints_its_urls_and_exits_without_leaving_anything(
    tmp_path: Path, registry: RegistryProcess, sdk: docker.DockerClient
) -> None:
    ports = [str(free_port()) for _ in range(3)]
    options = ("--port", ports[0], "--bot-port", ports[1], "--preview-port", ports[2])
    async with playground(tmp_path, registry, *options) as started:
        output = await invitation(started)
        pull = re.search(r"Pull request +(http\S+)", output)
        assert pull is not None, output
        shop = re.search(r"Three services +(http\S+)", output)
        assert shop is not None, output
        async with httpx.AsyncClient(timeout=PATIENCE) as visitor:
            assert "显示留言的时间" in (await visitor.get(pull[1])).text
            assert "春茶上新" in (await visitor.get(shop[1])).text
            assert (await visitor.get(f"http://127.0.0.1:{ports[1]}/readyz")).is_success
    assert started.returncode == 0
    wanted: Any = {"label": f"{LABEL_INSTANCE}=playground-{ports[1]}"}
    assert sdk.containers.list(all=True, filters=wanted) == []
    assert sdk.images.list(filters=wanted) == []


async def test_a_port_in_use_is_reported(tmp_path: Path, registry: RegistryProcess) -> None:
    taken = registry.host.rpartition(":")[2]
    async with playground(tmp_path, registry, "--port", taken) as started, asyncio.timeout(PATIENCE):
        output, _ = await started.communicate()
    assert started.returncode == 1
    assert f"port {taken} is in use" in output.decode()
