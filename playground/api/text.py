"""Markdown and emojis."""

from aiohttp import web

from playground import rendering
from playground.api.requests import ApiRequest, Chapter

chapter = Chapter()


@chapter.add("POST", "/markdown")
async def markdown(call: ApiRequest) -> web.Response:
    """Return a text rendered as HTML."""
    return web.Response(text=rendering.render(call.text("text")), content_type="text/html", status=201)


@chapter.add("GET", "/emojis")
async def emojis(_call: ApiRequest) -> web.Response:
    """Return the emojis by their short names."""
    return web.json_response(rendering.EMOJIS)
