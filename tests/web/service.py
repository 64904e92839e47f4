"""A service behind the preview proxy, which records the requests that reach it."""

import asyncio
import gzip
from dataclasses import dataclass, field

import aiohttp
from aiohttp import web

from bot.model.environment import Endpoint


@dataclass
class Service:
    """A service. `go_on` lets a stream continue or abort; `gone` is set when the visitor disconnected."""

    endpoint: Endpoint = field(default_factory=lambda: Endpoint("127.0.0.1", 0))
    seen: list[web.Request] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    gone: asyncio.Event = field(default_factory=asyncio.Event)
    go_on: asyncio.Event = field(default_factory=asyncio.Event)

    def runner(self) -> web.AppRunner:
        app = web.Application(client_max_size=1 << 30)
        app.add_routes(
            [
                web.get("/cookies", self.cookies),
                web.get("/packed", self.packed),
                web.get("/events", self.events),
                web.get("/breaks-off", self.breaks_off),
                web.get("/hop", self.hop),
                web.get("/moved", self.moved),
                web.get("/talk", self.talk),
                web.get("/private", self.private),
                web.get("/no-sockets", self.no_sockets),
                web.route("*", "/{rest:.*}", self.echo),
            ]
        )
        return web.AppRunner(app, auto_decompress=False, shutdown_timeout=1, handler_cancellation=True)

    async def echo(self, request: web.Request) -> web.Response:
        self.seen.append(request)
        self.bodies.append(await request.read())
        return web.Response(body=self.bodies[-1], headers={"X-Target": request.raw_path})

    async def cookies(self, _request: web.Request) -> web.Response:
        response = web.Response(text="ok")
        for value in ("a=1; Domain=preview.test; Path=/", "b=2; path=/; DOMAIN=.preview.test; Secure", "c=3"):
            response.headers.add("Set-Cookie", value)
        return response

    async def packed(self, _request: web.Request) -> web.Response:
        return web.Response(body=gzip.compress(b"words"), headers={"Content-Encoding": "gzip"})

    async def events(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        await response.write(b"data: one\n\n")
        try:
            await self.go_on.wait()
        finally:
            self.gone.set()
        await response.write(b"data: two\n\n")
        return response

    async def breaks_off(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "1000"})
        await response.prepare(request)
        await response.write(b"half")
        await self.go_on.wait()
        if request.transport is not None:
            request.transport.close()
        return response

    async def hop(self, _request: web.Request) -> web.Response:
        headers = {"Connection": "X-Inner", "X-Inner": "1", "Keep-Alive": "9", "X-Outer": "2"}
        return web.Response(text="ok", headers=headers)

    async def moved(self, _request: web.Request) -> web.Response:
        raise web.HTTPFound("http://169.254.169.254/")

    async def private(self, request: web.Request) -> web.Response:
        status = 200 if "Authorization" in request.headers else 401
        return web.Response(status=status, text=request.headers.get("Authorization", ""))

    async def no_sockets(self, request: web.Request) -> web.Response:
        return web.Response(status=int(request.query["status"]))

    async def talk(self, request: web.Request) -> web.WebSocketResponse:
        self.seen.append(request)
        joined = web.WebSocketResponse(protocols=["chat"], max_msg_size=0, autoping=False)
        await joined.prepare(request)
        async for message in joined:
            if message.data == "leave":
                await joined.close(code=4001, message=b"as you wish")
            elif message.type is aiohttp.WSMsgType.PING:
                await joined.pong(message.data)
                await joined.ping(b"and you?")
            elif message.type is aiohttp.WSMsgType.PONG:
                self.bodies.append(message.data)
            elif message.type is aiohttp.WSMsgType.TEXT:
                await joined.send_str(message.data + "!")
            elif message.type is aiohttp.WSMsgType.BINARY:
                await joined.send_bytes(message.data[::-1])
        self.bodies.append(str(joined.close_code).encode())
        self.gone.set()
        return joined
