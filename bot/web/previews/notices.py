"""The page that a visitor sees instead of a preview: starting, failed, removed, unknown or unreachable."""

from dataclasses import dataclass
from enum import StrEnum

from aiohttp import web

from bot.model.environment import Environment, EnvironmentState
from bot.web.deps import PreviewDeps
from bot.web.pages.messages import say
from bot.web.pages.templating import TEMPLATES, visitor_language

REFRESH = 3
"""Seconds after which the page of a starting or waking preview reloads."""


class Absence(StrEnum):
    """Why a preview cannot be shown."""

    STARTING = "starting"
    WAKING = "waking"
    FAILED = "failed"
    REMOVED = "removed"
    UNKNOWN = "unknown"
    UNREACHABLE = "unreachable"
    BUSY = "busy"
    """It has too many requests in progress."""
    UNAVAILABLE = "unavailable"
    """The store is unavailable, so the reason is unknown."""


STATUS = {
    Absence.STARTING: 503,
    Absence.WAKING: 503,
    Absence.FAILED: 503,
    Absence.REMOVED: 410,
    Absence.UNKNOWN: 404,
    Absence.UNREACHABLE: 502,
    Absence.BUSY: 503,
    Absence.UNAVAILABLE: 503,
}
PASSING = frozenset({Absence.STARTING, Absence.WAKING, Absence.BUSY, Absence.UNAVAILABLE})
"""What passes by itself, so that the page reloads."""


@dataclass(frozen=True, slots=True)
class Notice:
    """Why a preview cannot be shown, and its environment, if there is one."""

    absence: Absence
    environment: Environment | None = None


def absence(environment: Environment | None) -> Absence | None:
    """Return why this environment cannot be visited, or None if it can."""
    if environment is None:
        return Absence.UNKNOWN
    if environment.state in {EnvironmentState.READY, EnvironmentState.FAILING}:
        return None if environment.endpoint or environment.url else Absence.UNREACHABLE
    if environment.state is EnvironmentState.ASLEEP:
        return Absence.WAKING
    return Absence(environment.state)


def notice_page(request: web.Request, notice: Notice, deps: PreviewDeps) -> web.Response:
    """Return the page, or one sentence of text for clients that do not accept HTML."""
    language = visitor_language(request, deps.language)
    headers = {
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
        "X-Preview-State": notice.absence,
        "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    }
    refresh = REFRESH if notice.absence in PASSING else None
    if refresh is not None:
        headers["Retry-After"] = str(refresh)
    status = STATUS[notice.absence]
    if "text/html" not in request.headers.get("Accept", "*/*").lower():
        message = say(f"preview.{notice.absence}", language)
        return web.Response(text=f"{message}\n", status=status, headers=headers)
    run = notice.environment.run if notice.environment else 0  # 0 as well if it was adopted
    html = (
        request.app[TEMPLATES]
        .get_template("preview.html.j2")
        .render(
            lang=language,
            t=lambda key: say(key, language),
            absence=notice.absence,
            environment=notice.environment,
            run_url=deps.addresses.run(run) if run else "",
            refresh=refresh,
        )
    )
    return web.Response(text=html, content_type="text/html", charset="utf-8", status=status, headers=headers)
