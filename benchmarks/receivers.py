"""The handler that the intake is compared with: it verifies the signature and stores nothing."""

import asyncio
import sys
from datetime import UTC, datetime, timedelta

from aiohttp import web

from bot.gitee.signature import verify

SECRET = "benchmark"  # noqa: S105 - nothing to protect


async def _bare(request: web.Request) -> web.Response:
    await request.read()
    headers = request.headers
    verdict = verify(
        headers.get("X-Gitee-Token"),
        headers.get("X-Gitee-Timestamp"),
        [SECRET],
        datetime.now(UTC),
        window=timedelta(hours=1),
    )
    return web.Response(status=200 if verdict.accepted else 401)


def bare(port: int) -> None:
    """Serve the handler on this port until the process ends."""
    application = web.Application()
    application.router.add_post("/webhooks/gitee", _bare)
    web.run_app(application, host="127.0.0.1", port=port, access_log=None, print=None)


if __name__ == "__main__":
    asyncio.set_event_loop(asyncio.new_event_loop())
    bare(int(sys.argv[1]))
