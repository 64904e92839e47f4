"""Webhooks of a repository; only administrators have access."""

from aiohttp import web

from playground import refusals, repositories
from playground.api.requests import ApiRequest, Chapter
from playground.state import Hook, HookMode, Repository
from playground.webhooks import Webhooks

SWITCHES = {
    "push_events": True,
    "tag_push_events": False,
    "issues_events": False,
    "note_events": False,
    "merge_requests_events": False,
}
"""Events of a hook, and whether each is enabled by default."""


def _hook(call: ApiRequest, repository: Repository) -> Hook:
    hook = next((one for one in repository.hooks if one.id == call.number("id")), None)
    if hook is None:
        raise refusals.not_found("404 Hook Not Found")
    return hook


def make_chapter(webhooks: Webhooks) -> Chapter:
    """Return the routes. The test delivery needs the webhooks."""
    chapter = Chapter()
    chapter.add("GET", "/R/hooks")(listed)
    chapter.add("POST", "/R/hooks")(create)
    chapter.add("GET", "/R/hooks/{id:\\d+}")(one)
    chapter.add("PATCH", "/R/hooks/{id:\\d+}")(edit)
    chapter.add("DELETE", "/R/hooks/{id:\\d+}")(delete)

    @chapter.add("POST", "/R/hooks/{id:\\d+}/tests")
    async def ping(call: ApiRequest) -> web.Response:
        webhooks.ping(_hook(call, call.repository("admin")))
        return web.Response(status=204)

    return chapter


async def listed(call: ApiRequest) -> web.Response:
    """Return a page of hooks."""
    repository = call.repository("admin")
    return call.page(repository.hooks, lambda hook: call.serializer.hook(repository, hook))


async def create(call: ApiRequest) -> web.Response:
    """Create a hook. By default, only push events are enabled."""
    repository = call.repository("admin")
    events = [name for name, default in SWITCHES.items() if call.flag(name, default=default)]
    mode: HookMode = "sign" if call.text("encryption_type", "0") == "1" else "password"
    hook = repositories.add_hook(
        call.forge, repository, call.text("url"), secret=call.text("password"), mode=mode, events=events
    )
    return web.json_response(call.serializer.hook(repository, hook), status=201)


async def one(call: ApiRequest) -> web.Response:
    """Return a hook by id."""
    repository = call.repository("admin")
    return web.json_response(call.serializer.hook(repository, _hook(call, repository)))


async def edit(call: ApiRequest) -> web.Response:
    """Change the given fields of a hook. `url` is required, as on Gitee."""
    repository = call.repository("admin")
    hook = _hook(call, repository)
    hook.url = repositories.checked_hook_url(call.text("url"))
    hook.secret = call.text("password", hook.secret)
    if "encryption_type" in call.parameters:
        hook.mode = "sign" if call.text("encryption_type") == "1" else "password"
    for name in SWITCHES:
        setattr(hook, name, call.flag(name, default=getattr(hook, name)))
    return web.json_response(call.serializer.hook(repository, hook))


async def delete(call: ApiRequest) -> web.Response:
    """Delete a hook."""
    repository = call.repository("admin")
    repository.hooks.remove(_hook(call, repository))
    return web.Response(status=204)
