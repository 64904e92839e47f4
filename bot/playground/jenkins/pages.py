"""The HTML that Jenkins answers with where a client hoped for JSON."""

from html import escape

from aiohttp import web

_STARTING = "Please wait while Jenkins is getting ready to work"
_RESTARTING = "Please wait while Jenkins is restarting"


def page(status: int, title: str, message: str) -> web.Response:
    """Return an error page, as the servlet container and Jenkins' own pages look to a client."""
    text = (
        f"<!DOCTYPE html><html><head><title>Error {status} {escape(title)}</title></head>"
        f'<body id="jenkins"><h1>HTTP ERROR {status}</h1><p>{escape(message)}</p></body></html>'
    )
    return web.Response(status=status, text=text, content_type="text/html")


def starting() -> web.Response:
    """Return what is served while Jenkins comes up."""
    return page(503, "Service Unavailable", _STARTING)


def restarting() -> web.Response:
    """Return what is served while Jenkins goes down."""
    return page(503, "Service Unavailable", _RESTARTING)
