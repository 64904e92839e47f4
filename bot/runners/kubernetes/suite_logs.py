"""Output of a container as it comes, and the report that one wrote into its log."""

import asyncio
import base64
import binascii
import io
import zlib
from collections.abc import Awaitable, Callable

from bot.runners.collect import ARCHIVE_LIMIT, report_files
from bot.runners.kubernetes.cluster import Cluster
from bot.runners.kubernetes.suite_job import BEGIN, END
from bot.runners.lines import Lines, LogWriter

REOPEN_PAUSE = 0.5
LOG_LIMIT = 10 << 20
"""Bytes of the collector's log: what it writes at most, in base64."""


async def follow(
    cluster: Cluster, pod: str, container: str, writer: LogWriter, over: Callable[[str], Awaitable[bool]]
) -> None:
    """Write the whole output of a container, once, and return when `over` says that it has ended.

    A server or something before it may close a silent connection. Then the log is read from its start again
    and what was seen is passed over; `sinceTime` knows seconds only.
    """
    lines, seen = Lines(), 0
    while True:
        ended = await over(pod)
        position = 0
        query = {"container": container, "follow": "true"}
        async with cluster.stream(f"{pod}/log", query) as chunks:
            async for chunk in chunks:
                fresh = chunk[max(seen - position, 0) :]
                position += len(chunk)
                seen = max(seen, position)
                writer.lines(lines.feed(fresh))
        if ended:
            writer.lines(lines.flush())
            return
        await asyncio.sleep(REOPEN_PAUSE)


async def report(cluster: Cluster, pod: str, container: str) -> dict[str, bytes]:
    """Return the XML files that a collector wrote into its log."""
    kept = bytearray()
    query = {"container": container, "limitBytes": str(LOG_LIMIT)}
    async with cluster.stream(f"{pod}/log", query) as chunks:
        async for chunk in chunks:
            kept += chunk
    return await asyncio.to_thread(unpacked, bytes(kept))


def unpacked(log: bytes) -> dict[str, bytes]:
    """Return the files of a collector's log; what is cut or broken gives what could be read of it."""
    _, _, rest = log.partition(f"{BEGIN}\n".encode())
    encoded, _, _ = rest.partition(END.encode())
    try:
        packed = base64.b64decode(encoded)
        data = zlib.decompressobj(zlib.MAX_WBITS | 16).decompress(packed, ARCHIVE_LIMIT)
    except (binascii.Error, zlib.error):
        return {}
    return report_files(io.BytesIO(data))
