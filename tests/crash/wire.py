"""A TCP proxy between one bot and its database: it can go mute, as a network does that drops every packet."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import urlsplit


@dataclass
class Wire:
    """Forwards within `async with`, until it is mute: then neither side hears of the other's end."""

    url: str
    """`[store] url` of the server."""
    mute: bool = False
    """Whether it drops what it receives; it keeps all connections open."""
    _accepted: int = 0
    _lost: int = 0
    """How many of the connections, from the first one on, are mute for ever."""
    _watched: dict[bytes, Callable[[], None]] = field(default_factory=dict)
    _server: asyncio.Server | None = None
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._connect, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def bot_url(self) -> str:
        """`[store] url` for the bot: the server, through this wire."""
        assert self._server is not None
        port = self._server.sockets[0].getsockname()[1]
        return self.url.replace(f":{urlsplit(self.url).port}/", f":{port}/")

    def when(self, words: bytes, act: Callable[[], None]) -> None:
        """Act once, when the bot next sends these words in one piece, after they are forwarded."""
        self._watched[words] = act

    def lose(self) -> None:
        """Make all present connections mute for ever, as a firewall does that forgets them."""
        self._lost = self._accepted

    def _is_mute(self, number: int) -> bool:
        return self.mute or number <= self._lost

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self._accepted += 1
        number = self._accepted
        try:
            while self._is_mute(number):  # noqa: ASYNC110 - it can only be asked
                await asyncio.sleep(0.02)
            to = urlsplit(self.url)
            upstream, server = await asyncio.open_connection(to.hostname, to.port)
            try:
                await asyncio.gather(
                    self._copy(number, reader, server, sent=True), self._copy(number, upstream, writer)
                )
            finally:
                server.close()
        finally:
            writer.close()
            self._tasks.discard(task)

    async def _copy(
        self, number: int, source: asyncio.StreamReader, to: asyncio.StreamWriter, *, sent: bool = False
    ) -> None:
        with suppress(ConnectionError):
            while data := await source.read(1 << 16):
                if self._is_mute(number):
                    continue
                to.write(data)
                await to.drain()
                if sent:
                    self._act(data)
        while self._is_mute(number):  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.02)
        to.close()

    def _act(self, data: bytes) -> None:
        for words in [words for words in self._watched if words in data]:
            self._watched.pop(words)()
