"""Stops accepting connections without losing one that is just being accepted."""

import asyncio
import socket


async def stop_accepting(listening: socket.socket) -> None:
    """Accept no more connections on a socket, and wait until those that were accepted have a handler.

    Close the server after this. asyncio loses a connection whose server closes between `accept` and the next
    turn of the loop, and leaves its socket open: github.com/python/cpython/issues/109564.
    """
    asyncio.get_running_loop().remove_reader(listening)
    await asyncio.sleep(0)
