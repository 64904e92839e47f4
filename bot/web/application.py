"""The aiohttp application of the bot: routes, security headers and error responses."""

import logging
import secrets
from importlib import resources
from pathlib import Path

from aiohttp import web
from aiohttp.typedefs import Handler

from bot.model.errors import RetryLater
from bot.web import intake
from bot.web.api import openapi, operations
from bot.web.connections import in_progress
from bot.web.deps import DEPS, METRICS, WebDeps
from bot.web.known_hosts import known_hosts
from bot.web.monitoring import health
from bot.web.monitoring.metrics import WebMetrics, timing
from bot.web.pages import pages, report_pages, run_pages, service_pages
from bot.web.pages.requested_run import UnknownRunError
from bot.web.pages.templating import TEMPLATES, new_templates
from bot.web.responses import RETRY_AFTER, json_error, json_message, store_unavailable

logger = logging.getLogger(__name__)

ID = f"{{id:{operations.ID}}}"
RUN = f"{{id:{operations.ID}(?:-[a-z0-9]{{1,16}})?}}"
"""A run by its number, and with the random name that links in comments contain."""
NUMBER = f"{{number:{operations.ID}}}"
STATIC = Path(str(resources.files("bot.web") / "static"))
JSON_PATHS = (operations.PREFIX, "/webhooks/", "/healthz", "/readyz", "/metrics")

SECURITY_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
}


def application(deps: WebDeps) -> web.Application:
    """Return the application of the dashboard's port; `preview_application` serves the previews' port."""
    metrics = WebMetrics.in_registry(deps.registry)
    app = web.Application(
        middlewares=[
            in_progress,
            timing(metrics),
            known_hosts(deps.hosts),
            error_responses,
        ],
        client_max_size=deps.intake.body_limit,
    )
    app.on_response_prepare.append(add_security_headers)
    app[DEPS] = deps
    app[METRICS] = metrics
    app[TEMPLATES] = new_templates()
    app.add_routes(
        [
            web.post(intake.PATH, intake.receive),
            web.get(intake.PATH, intake.only_post),
            web.get("/healthz", health.alive),
            web.get("/readyz", health.ready),
            web.get("/metrics", health.metrics),
            *(operation.route for operation in operations.OPERATIONS),
            web.get(f"{operations.PREFIX}/openapi.json", openapi.show),
            web.get("/", pages.home),
            web.get(f"/runs/{RUN}", run_pages.show),
            web.get(f"/runs/{RUN}/live", run_pages.live),
            web.get(f"/runs/{RUN}/logs/{{step}}.txt", run_pages.log_text),
            web.get(f"/runs/{RUN}/services", service_pages.show),
            web.get(f"/runs/{RUN}/services/live", service_pages.live),
            web.get(f"/runs/{RUN}/services/{{name}}.txt", service_pages.text),
            web.get(f"/prs/{{owner:{operations.NAME}}}/{{repo:{operations.NAME}}}/{NUMBER}", pages.pull),
            web.get("/environments", pages.environments),
            web.get("/commands", pages.commands),
            web.get(f"/reports/{RUN}", report_pages.report_folder),
            web.get(f"/reports/{RUN}/", report_pages.report),
            web.get(f"/reports/{RUN}/{{name:suites/.+}}", report_pages.own_report),
            web.get(f"/reports/{RUN}/content/{{name:suites/.+}}", report_pages.own_report_content),
            *(web.get(f"/static/{file.name}", _file(file)) for file in STATIC.iterdir()),
        ]
    )
    return app


async def add_security_headers(_: web.Request, response: web.StreamResponse) -> None:
    """Add security headers to every response; headers that a page sets itself are kept."""
    for name, value in SECURITY_HEADERS.items():
        response.headers.setdefault(name, value)


def _file(file: Path) -> Handler:
    """Return a handler that sends a file, and nothing else whatever the path is."""

    async def send(_: web.Request) -> web.StreamResponse:
        return web.FileResponse(file)

    return send


@web.middleware
async def error_responses(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn errors into responses: JSON for programs, a page for people."""
    try:
        return await handler(request)
    except web.HTTPRedirection as redirection:
        return web.Response(status=redirection.status, headers={"Location": redirection.headers["Location"]})
    except web.HTTPException as error:
        return _http_error(request, error)
    except ConnectionError:
        raise  # the client has disconnected: nothing can be sent
    except RetryLater as error:
        logger.warning("%s %s failed: %s", request.method, request.path, error)
        return _unavailable(request)
    except Exception:
        incident = secrets.token_hex(4)
        logger.exception("incident %s: %s %s", incident, request.method, request.path)
        return _internal_error(request, incident)


def _http_error(request: web.Request, error: web.HTTPException) -> web.Response:
    if request.path.startswith(JSON_PATHS):
        return json_error(error)
    known = str(error.status) if error.status in {404, 405, 410} else "other"
    title = "problem.run" if isinstance(error, UnknownRunError) else f"problem.{known}"
    response = pages.page(
        request,
        "problem.html.j2",
        {"title": title, "facts": {"status": error.status}},
        status=error.status,
    )
    if "Allow" in error.headers:
        response.headers["Allow"] = error.headers["Allow"]
    return response


def _unavailable(request: web.Request) -> web.Response:
    if request.path.startswith(JSON_PATHS):
        return store_unavailable()
    facts = {"title": "problem.503", "facts": {}}
    response = pages.page(request, "problem.html.j2", facts, status=503)
    response.headers["Retry-After"] = str(RETRY_AFTER)
    return response


def _internal_error(request: web.Request, incident: str) -> web.Response:
    if request.path.startswith(JSON_PATHS):
        return json_message(
            500, f"internal error; search the log of the bot for incident {incident}", "internal"
        )
    return pages.page(
        request, "problem.html.j2", {"title": "problem.500", "facts": {"id": incident}}, status=500
    )
