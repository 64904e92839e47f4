"""The HTML that Jenkins answers with where a client hoped for JSON."""

from html import escape

from aiohttp import web

from bot.playground.jenkins.state import Job

_RESTARTING = "Please wait while Jenkins is restarting"


def page(status: int, title: str, message: str) -> web.Response:
    """Return an error page, as the servlet container and Jenkins' own pages look to a client."""
    text = (
        f"<!DOCTYPE html><html><head><title>Error {status} {escape(title)}</title></head>"
        f'<body id="jenkins"><h1>HTTP ERROR {status}</h1><p>{escape(message)}</p></body></html>'
    )
    return web.Response(status=status, text=text, content_type="text/html")


def job_page(job: Job, *, may_build: bool) -> web.Response:
    """Return a job's page, as far as it tells that the reader may start it."""
    link = '<a href="build?delay=0sec" class="task-link">Build with Parameters</a>' if may_build else ""
    text = f'<!DOCTYPE html><html><body id="jenkins"><h1>{escape(job.name)}</h1>{link}</body></html>'
    return web.Response(text=text, content_type="text/html")


def restarting() -> web.Response:
    """Return what is served while Jenkins goes down."""
    return page(503, "Service Unavailable", _RESTARTING)
