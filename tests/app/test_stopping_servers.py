"""Servers that stop while they accept a connection close it."""

import asyncio
import gc
import socket
import warnings
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web

from bot.app.serving import Listener, _served
from bot.web.connections import ConnectionLimits
from playground.jenkins.server import OfflineJenkins
from playground.server import OfflineGitee


@asynccontextmanager
async def bot(_folder: Path) -> AsyncIterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        url = f"http://127.0.0.1:{port}"
        async with _served(
            web.AppRunner(web.Application()), Listener(listening, url, port), ConnectionLimits()
        ):
            yield url


@asynccontextmanager
async def gitee(folder: Path) -> AsyncIterator[str]:
    async with OfflineGitee(folder) as serving:
        yield serving.url


@asynccontextmanager
async def jenkins(_folder: Path) -> AsyncIterator[str]:
    async with OfflineJenkins() as serving:
        yield serving.url


@pytest.mark.parametrize("turns", range(5))
@pytest.mark.parametrize("serve", [bot, gitee, jenkins])
async def test_a_connection_that_is_being_accepted_is_closed(
    serve: Callable[[Path], AbstractAsyncContextManager[str]], turns: int, tmp_path: Path
) -> None:
    with socket.socket() as client, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ResourceWarning)
        async with serve(tmp_path) as url:
            host, _, port = url.removeprefix("http://").partition(":")
            client.connect((host, int(port)))
            for _ in range(turns):
                await asyncio.sleep(0)
        gc.collect()
    assert [str(one.message) for one in caught if "transport" in str(one.message)] == []
