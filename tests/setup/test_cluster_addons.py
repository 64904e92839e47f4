"""The program that feeds the test cluster's ingress goes on whatever Caddy does."""

import asyncio
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from tests.cluster.local.addons import Addons, Folder
from tests.cluster.local.routes import NOT_FOUND
from tests.cluster.local.watching import Object

ROUTES = "/config/apps/http/servers/ingress/routes"


class Caddy:
    """Its admin API, which closes the first connection, refuses the second request and takes the rest."""

    def __init__(self) -> None:
        self.requests = 0
        self.routes: asyncio.Future[list[Object]] = asyncio.get_running_loop().create_future()

    async def patch(self, request: web.Request) -> web.Response:
        self.requests += 1
        if self.requests == 1 and request.transport is not None:
            request.transport.close()
        if self.requests <= 2:
            return web.Response(status=500, text="loading the configuration failed")
        self.routes.set_result(await request.json())
        return web.Response()


async def test_routes_that_caddy_did_not_take_are_sent_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, caddy = Folder(tmp_path), Caddy()
    monkeypatch.setattr(Addons, "_name_services", lambda _: None)
    application = web.Application()
    application.router.add_patch(ROUTES, caddy.patch)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.UnixSite(runner, str(folder.caddy_socket)).start()
    async with aiohttp.ClientSession() as api:
        addons = Addons(api, folder, "192.0.2.1")
        feeding = asyncio.ensure_future(addons._feed())
        addons._changed.set()
        either: list[asyncio.Future[Any]] = [feeding, caddy.routes]
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        assert caddy.routes.done(), feeding
        assert caddy.routes.result() == [NOT_FOUND]
        feeding.cancel()
        await asyncio.wait([feeding])
    await runner.cleanup()
