"""A TCP proxy between one bot and its database: it can go mute, as a network does that drops every packet.

What is sent meanwhile is delivered when the network works again, as TCP does, even if its sender is gone.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import urlsplit

COMMIT = b"COMMIT\x00"
"""What a bot sends at the end of a transaction that changes something. Its beginning has READ COMMITTED."""


@dataclass
class Wire:
    """Forwards within `async with`, until it is mute: then neither side hears of the other's end."""

    url: str
    """`[store] url` of the server, for new connections."""
    holds_sent: bool = False
    """Whether nothing from the bot arrives; all connections stay open."""
    holds_received: bool = False
    """Whether nothing from the server arrives."""
    _accepted: int = 0
    _lost: int = 0
    """How many of the connections, from the first one on, are mute for ever."""
    _watched: dict[bytes, Callable[[], None]] = field(default_factory=dict)
    _caught: dict[bytes, tuple[Callable[[], None], asyncio.Event]] = field(default_factory=dict)
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

    def catch(self, words: bytes, act: Callable[[], None]) -> asyncio.Event:
        """Act once, when the bot next sends these words, before they are forwarded: when the event is set."""
        self._caught[words] = (act, released := asyncio.Event())
        return released

    def forget(self, words: bytes) -> None:
        """Catch these words no more."""
        self._caught.pop(words, None)

    @property
    def mute(self) -> bool:
        """Whether nothing passes in either direction."""
        return self.holds_sent and self.holds_received

    @mute.setter
    def mute(self, mute: bool) -> None:
        self.holds_sent = self.holds_received = mute

    def lose(self) -> None:
        """Make all present connections mute for ever, as a firewall does that forgets them."""
        self._lost = self._accepted

    def _is_mute(self, number: int, *, sent: bool) -> bool:
        return number <= self._lost or (self.holds_sent if sent else self.holds_received)

    async def _until_heard(self, number: int, *, sent: bool) -> None:
        while self._is_mute(number, sent=sent):  # noqa: ASYNC110 - it can only be asked
            await asyncio.sleep(0.02)

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self._accepted += 1
        number = self._accepted
        try:
            await self._until_heard(number, sent=True)
            # The bot notices by itself that no server is there; and this wire may end.
            with suppress(ConnectionError, asyncio.CancelledError):
                await self._connected(number, reader, writer)
        finally:
            writer.close()
            self._tasks.discard(task)

    async def _connected(
        self, number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        to = urlsplit(self.url)
        upstream, server = await asyncio.open_connection(to.hostname, to.port)
        try:
            await asyncio.gather(
                self._copy(number, reader, server, sent=True), self._copy(number, upstream, writer)
            )
        finally:
            server.close()

    async def _copy(
        self, number: int, source: asyncio.StreamReader, to: asyncio.StreamWriter, *, sent: bool = False
    ) -> None:
        with suppress(ConnectionError):
            while data := await source.read(1 << 16):
                await self._until_heard(number, sent=sent)
                if sent:
                    await self._hold(data)
                to.write(data)
                await to.drain()
                if sent:
                    self._act(data)
        await self._until_heard(number, sent=sent)
        to.close()

    async def _hold(self, data: bytes) -> None:
        for words in [words for words in self._caught if words in data]:
            act, released = self._caught.pop(words)
            act()
            await released.wait()

    def _act(self, data: bytes) -> None:
        for words in [words for words in self._watched if words in data]:
            self._watched.pop(words)()
