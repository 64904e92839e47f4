"""HTML pages of Jenkins, among them its error pages."""

from collections.abc import Iterable
from html import escape
from itertools import islice

from aiohttp import web

from playground.jenkins.state import Build, Job, job_path

_PIECES = 32
"""Number of pieces of the console that a page shows."""
_RESTARTING = "Please wait while Jenkins is restarting"


def page(status: int, title: str, message: str) -> web.Response:
    """Return an error page like those of Jenkins and its servlet container."""
    text = (
        f"<!DOCTYPE html><html><head><title>Error {status} {escape(title)}</title></head>"
        f'<body id="jenkins"><h1>HTTP ERROR {status}</h1><p>{escape(message)}</p></body></html>'
    )
    return web.Response(status=status, text=text, content_type="text/html")


def home_page(jobs: Iterable[Job]) -> web.Response:
    """Return the list of jobs."""
    rows = (f'<li><a href="/{job_path(job.name)}/">{escape(job.name)}</a></li>' for job in jobs)
    return _readable("Jenkins", f"<ul>{''.join(rows)}</ul>")


def job_page(job: Job, *, may_build: bool) -> web.Response:
    """Return a job's page. It has a link to start the job if the user may do that."""
    link = '<a href="build?delay=0sec" class="task-link">Build with Parameters</a>' if may_build else ""
    rows = (_row(build) for _, build in sorted(job.builds.items(), reverse=True))
    return _readable(job.name, f"{link}<ul>{''.join(rows)}</ul>")


def build_page(build: Build) -> web.Response:
    """Return a build's page: its result, parameters and console."""
    facts = "".join(f"<li><code>{escape(f'{k}={v}')}</code></li>" for k, v in build.parameters.items() if v)
    log_range = build.console.log_range(0)
    text = b"".join(islice(build.console.rendered(log_range), _PIECES)).decode("utf-8", "replace")
    body = f"<p>{build.result or 'running'}</p><ul>{facts}</ul><pre>{escape(text)}</pre>"
    return _readable(f"{build.job.name} #{build.number}", body)


def _row(build: Build) -> str:
    return f'<li><a href="{build.number}/">#{build.number}</a> {build.result or "running"}</li>'


def _readable(title: str, body: str) -> web.Response:
    text = (
        f'<!DOCTYPE html><html><head><meta charset="utf-8"><title>{escape(title)}</title></head>'
        f'<body id="jenkins"><h1>{escape(title)}</h1>{body}</body></html>'
    )
    return web.Response(text=text, content_type="text/html")


def restarting() -> web.Response:
    """Return the page that is served while Jenkins restarts."""
    return page(503, "Service Unavailable", _RESTARTING)
