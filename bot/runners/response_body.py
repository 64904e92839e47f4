"""Reads the body of an HTTP response as it arrives."""

import asyncio
from collections.abc import AsyncIterator

import aiohttp

LOOK = 5.0
"""Seconds without a byte after which to look whether the connection is still there."""


async def received(response: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    """Yield the body of a response. Raises aiohttp.ClientError however the connection ends.

    aiohttp raises RuntimeError if the connection was lost before it is read: `StreamReader._wait`.
    """
    try:
        while chunk := await _chunk(response):
            yield chunk
    except RuntimeError as error:
        raise aiohttp.ClientPayloadError(str(error)) from error


async def _chunk(response: aiohttp.ClientResponse) -> bytes:
    """Return the next bytes, empty at the end.

    aiohttp lets this wait for ever if the connection ends while the request is still being sent: it then
    forgets whom to tell, in `ResponseHandler.close`.
    """
    while True:
        look = asyncio.timeout(LOOK)
        try:
            async with look:
                return await response.content.readany()
        except TimeoutError:
            if not look.expired():
                raise
        if not response.content.is_eof() and (response.connection is None or response.connection.closed):
            raise aiohttp.ClientPayloadError("the connection is lost")
