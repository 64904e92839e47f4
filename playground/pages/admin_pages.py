"""Pages about webhook deliveries, and about users with their tokens and permissions."""

import json

from aiohttp import web

from playground import refusals
from playground.pages.site import Site
from playground.state import Hook, Repository
from playground.webhooks import Delivery


class AdminPages:
    """Pages about deliveries and users."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._forge = site.forge

    def routes(self) -> list[web.RouteDef]:
        """Return the routes to serve."""
        page, action = self._site.page, self._site.action
        delivery = "/-/deliveries/{id:\\d+}"
        return [
            web.get("/-/people", page(self.people)),
            web.get("/-/deliveries", page(self.deliveries)),
            web.get(delivery, page(self.delivery)),
            web.post(f"{delivery}/redeliver", action(self.redeliver)),
            web.post("/-/hooks/{id:\\d+}/ping", action(self.ping)),
        ]

    async def people(self, request: web.Request) -> web.Response:
        """Show users with their tokens and their permissions in each repository."""
        world = self._forge.world
        rows = [
            (
                user,
                [(one, world.permission(one, user), _owns(one, user.login)) for one in self._repositories()],
            )
            for user in world.users.values()
        ]
        return self._site.render(request, "people.html.j2", rows=rows)

    def _repositories(self) -> list[Repository]:
        return list(self._forge.world.repositories.values())

    async def deliveries(self, request: web.Request) -> web.Response:
        """Show hooks, and deliveries, newest first."""
        hooks = [(one, hook) for one in self._repositories() for hook in one.hooks]
        history = self._site.webhooks.history[::-1]
        return self._site.render(request, "deliveries.html.j2", hooks=hooks, deliveries=history)

    def _delivery(self, request: web.Request) -> Delivery:
        wanted = int(request.match_info["id"])
        found = next((one for one in self._site.webhooks.history if one.id == wanted), None)
        if found is None:
            raise refusals.not_found()
        return found

    async def delivery(self, request: web.Request) -> web.Response:
        """Show request and response of a delivery."""
        found = self._delivery(request)
        body = json.dumps(found.payload, ensure_ascii=False, indent=2)
        return self._site.render(request, "delivery.html.j2", delivery=found, body=body)

    async def redeliver(self, request: web.Request) -> web.StreamResponse:
        """Send the same bytes again."""
        again = self._site.webhooks.redeliver(self._delivery(request))
        raise web.HTTPSeeOther(f"/-/deliveries/{again.id}")

    def _hook(self, hook_id: int) -> Hook:
        found = next((hook for one in self._repositories() for hook in one.hooks if hook.id == hook_id), None)
        if found is None:
            raise refusals.not_found("404 Hook Not Found")
        return found

    async def ping(self, request: web.Request) -> web.StreamResponse:
        """Send a hook's test delivery."""
        sent = self._site.webhooks.ping(self._hook(int(request.match_info["id"])))
        raise web.HTTPSeeOther(f"/-/deliveries/{sent.id}")


def _owns(repository: Repository, login: str) -> bool:
    return repository.owner.lower() == login.lower()
