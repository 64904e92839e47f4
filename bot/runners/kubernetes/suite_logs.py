"""Follows the output of a container, and reads the report in a collector's log."""

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
"""Largest size of the collector's log: the archive limit in base64."""


async def follow(
    cluster: Cluster, pod: str, container: str, writer: LogWriter, over: Callable[[str], Awaitable[bool]]
) -> None:
    """Write the output of a container, each byte once, until `over` reports that it has ended.

    The server or a proxy may close an idle connection. Then the log is read again from the start, and the
    part that was already written is skipped: `sinceTime` has a resolution of seconds.
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
    """Return the report files in a collector's log."""
    kept = bytearray()
    query = {"container": container, "limitBytes": str(LOG_LIMIT)}
    async with cluster.stream(f"{pod}/log", query) as chunks:
        async for chunk in chunks:
            kept += chunk
    return await asyncio.to_thread(unpacked, bytes(kept))


def unpacked(log: bytes) -> dict[str, bytes]:
    """Return the files in a collector's log; of truncated data, those that can be read."""
    _, _, rest = log.partition(f"{BEGIN}\n".encode())
    encoded, _, _ = rest.partition(END.encode())
    try:
        packed = base64.b64decode(encoded)
        data = zlib.decompressobj(zlib.MAX_WBITS | 16).decompress(packed, ARCHIVE_LIMIT)
    except (binascii.Error, zlib.error):
        return {}
    return report_files(io.BytesIO(data))
