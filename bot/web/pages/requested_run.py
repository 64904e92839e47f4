"""The run that a page is about: `7`, or `7-x7k2p9` in links, which never lead to another run."""

from aiohttp import web

from bot.model.run import Run
from bot.web.deps import DEPS


class UnknownRunError(web.HTTPNotFound):
    """The store does not know the run: it was removed, or its store was lost or restored."""


async def requested_run(request: web.Request) -> Run:
    """Return the run in the path. Raises UnknownRunError, also if another run has its number now."""
    number, _, uid = request.match_info["id"].partition("-")
    run = await request.app[DEPS].runs.run(int(number))
    if run is None or uid not in {"", run.uid}:
        raise UnknownRunError
    return run


async def requested_number(request: web.Request) -> int:
    """Return the number of the run in the path. Raises UnknownRunError if another run has it now."""
    name = request.match_info["id"]
    return int(name) if name.isdigit() else (await requested_run(request)).id
