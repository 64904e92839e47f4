"""Under which names the services of a Compose file reach each other."""

from collections.abc import Mapping

from bot.pipeline.compose import values
from bot.pipeline.compose.model import Attachment, Service

OWN = "app"
"""The hostname that the deployed service has in any case."""


def aliases(services: Mapping[str, Service], deployed: str) -> dict[str, list[str]]:
    """Return the further hostnames of each service, besides its name in `.chatops.yml`."""
    found = {name: [name, *_aliases(one)] for name, one in services.items()}
    for one in services.values():
        for link in one.links or ():
            name, _, alias = link.partition(":")
            if alias and name in found:
                found[name].append(alias)
    taken = {values.label(name) for name in services if name != deployed} | {OWN}
    return {
        name: [alias for alias in dict.fromkeys(several) if alias not in taken]
        for name, several in found.items()
    }


def _aliases(service: Service) -> list[str]:
    attached = service.networks if isinstance(service.networks, Mapping) else {}
    named = [alias for one in attached.values() if isinstance(one, Attachment) for alias in one.aliases or ()]
    return [*([service.container_name] if service.container_name else []), *named]
