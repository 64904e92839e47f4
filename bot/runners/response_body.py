"""Reads the body of an HTTP response as it arrives."""

from collections.abc import AsyncIterator

import aiohttp


async def received(response: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    """Yield the body of a response. Raises aiohttp.ClientError however the connection ends.

    aiohttp raises RuntimeError if the connection was lost before it is read: `StreamReader._wait`.
    """
    try:
        async for chunk in response.content.iter_any():
            yield chunk
    except RuntimeError as error:
        raise aiohttp.ClientPayloadError(str(error)) from error
