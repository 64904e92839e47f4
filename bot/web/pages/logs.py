"""The log of a step: what the page contains before its script continues, and all of it as plain text."""

from dataclasses import dataclass

from aiohttp import web

from bot.model.run import Run
from bot.web.deps import DEPS
from bot.web.ports import RunFileReader

PIECE = 1 << 18
ON_PAGE = 1 << 17
"""Bytes of a log that the page contains."""


@dataclass(frozen=True, slots=True)
class LogView:
    """The beginning of a log as lines; `unfinished` if the last line may still grow."""

    lines: tuple[str, ...] = ()
    next_offset: int = 0
    unfinished: bool = False
    cut: bool = False


def recorded(run: Run, step: str) -> bool:
    """Whether the run has this step; the name of any other must not become part of a path."""
    return any(record.name == step for record in run.steps)


async def first_lines(files: RunFileReader, run_id: int, step: str) -> LogView:
    """Read as much of a log as the page contains."""
    texts: list[str] = []
    offset = 0
    while offset < ON_PAGE:
        chunk = await files.read_log(run_id, step, offset, ON_PAGE - offset)
        if chunk.next_offset <= offset:
            break
        texts.append(chunk.text)
        offset = chunk.next_offset
    text = "".join(texts)
    lines = text.split("\n")
    unfinished = lines[-1] != ""
    kept = lines if unfinished else lines[:-1]
    return LogView(tuple(kept), offset, unfinished, offset >= ON_PAGE)


async def whole_log(request: web.Request, run: Run, step: str) -> web.StreamResponse:
    """Stream all of a log so far, as text that browsers do not interpret."""
    files = request.app[DEPS].files
    response = web.StreamResponse(headers={"Content-Type": "text/plain; charset=utf-8"})
    await response.prepare(request)
    offset = 0
    while True:
        chunk = await files.read_log(run.id, step, offset, PIECE)
        if chunk.next_offset <= offset:
            break
        await response.write(chunk.text.encode())
        offset = chunk.next_offset
    await response.write_eof()
    return response
