"""Test reports in a sandbox. What a suite has written itself is shown only in a frame."""

from urllib.parse import quote

from aiohttp import web

from bot.core.admission import hosts
from bot.core.reconciling.retention import expired
from bot.web.deps import DEPS
from bot.web.pages.pages import page
from bot.web.pages.requested_run import requested_number

# The code under test wrote the contents of a report: no scripts, no forms, no origin.
REPORT_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; sandbox; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

# A suite's own report needs its scripts: they run in an opaque origin without network access. Only browsers
# that know the directive block WebRTC; Chromium 156 does not.
OWN_REPORT_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; "
    "img-src data:; font-src data:; webrtc 'block'; "
    "sandbox allow-scripts; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)

# `frame-src` holds for everything that the frame navigates to later as well.
FRAME_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "frame-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
FRAMES = frozenset({"iframe", "frame"})
CONTENT = "/content/"


async def report(request: web.Request) -> web.StreamResponse:
    """`GET /reports/{id}/`."""
    deps = request.app[DEPS]
    number = await requested_number(request)
    found = await deps.files.report(number)
    if found is None:
        run = await deps.runs.run(number)
        gone = run is not None and expired(run.finished_at, deps.retention.reports, deps.clock.now())
        raise web.HTTPGone if gone else web.HTTPNotFound
    return _sandboxed(found, REPORT_POLICY)


async def report_folder(request: web.Request) -> web.StreamResponse:
    """`GET /reports/{id}`: redirect to the path with a slash."""
    raise web.HTTPMovedPermanently(f"{request.rel_url.raw_path}/")


async def own_report(request: web.Request) -> web.StreamResponse:
    """`GET /reports/{id}/suites/…`: the page of the bot with the suite's report in a frame."""
    number, _ = await _found(request)
    address = f"/reports/{number}{CONTENT}{quote(request.match_info['name'])}"
    response = page(request, "own_report.html.j2", {"number": number, "address": address})
    response.headers["Content-Security-Policy"] = FRAME_POLICY
    return response


async def own_report_content(request: web.Request) -> web.StreamResponse:
    """`GET /reports/{id}/content/suites/…`: the suite's report, only for a frame."""
    number, name = await _found(request)
    if not _in_frame(request):
        raise web.HTTPFound(request.rel_url.raw_path.replace(CONTENT, "/", 1))
    found = await request.app[DEPS].files.own_report(number, name)
    if found is None:
        raise web.HTTPNotFound
    return _sandboxed(found, OWN_REPORT_POLICY)


async def _found(request: web.Request) -> tuple[int, str]:
    """Return the run, and the name under which the requested report is stored."""
    number = await requested_number(request)
    name = await request.app[DEPS].files.own_page(number, request.match_info["name"])
    if name is None:
        raise web.HTTPNotFound
    return number, name


def _in_frame(request: web.Request) -> bool:
    """Return whether the response will be shown in a frame.

    Browsers say so only at addresses with https, or of the same machine. Elsewhere the page with the frame
    must be the referrer, which no other site can forge. A reverse proxy may have changed Host, so a name from
    the settings will do.
    """
    destination = request.headers.get("Sec-Fetch-Dest")
    if destination is not None:
        return destination in FRAMES
    host, _, path = request.headers.get("Referer", "").partition("://")[2].partition("/")
    own = host == request.host or hosts.listed(host, request.app[DEPS].hosts)
    return own and path.startswith("reports/")


def _sandboxed(content: bytes, policy: str) -> web.Response:
    headers = {"Content-Security-Policy": policy, "Cache-Control": "no-store"}
    return web.Response(body=content, headers=headers, content_type="text/html", charset="utf-8")
