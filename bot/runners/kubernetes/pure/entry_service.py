"""Finds the Service that visitors reach. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.runners.kubernetes.pure.manifests import INGRESS, SERVICE, Manifest, mapping_at, mappings

APP = "app"
"""Name of the Service under which tests reach the environment."""


@dataclass(frozen=True, slots=True)
class EntryService:
    """The Service and its port; `routed` if one of the repository's Ingresses already routes to it."""

    service: str
    port: int
    routed: bool


def find(manifests: Sequence[Manifest], host: str) -> EntryService | None:
    """Return the backend of the Ingress for `host`, else the Service `app` or the only one, else None."""
    services = {each.name: _ports(each) for each in manifests if each.known is SERVICE and _ports(each)}
    for name, wanted in _backends(manifests, host):
        number = _number(services.get(name, {}), wanted)
        if number is not None:
            return EntryService(name, number, routed=True)
    chosen = APP if APP in services else next(iter(services), "")
    if not chosen or (chosen != APP and len(services) > 1):
        return None
    return EntryService(chosen, next(iter(services[chosen].values())), routed=False)


def alias(manifests: Sequence[Manifest], found: EntryService) -> dict[str, Any] | None:
    """Return a Service `app` for the tests, equivalent to the entry service; None if there is one."""
    if any(each.known is SERVICE and each.name == APP for each in manifests):
        return None
    body = next(each.body for each in manifests if each.known is SERVICE and each.name == found.service)
    spec = body["spec"]
    ports = [port for port in mappings(spec["ports"]) if port.get("port") == found.port]
    return {
        "apiVersion": SERVICE.api_version,
        "kind": SERVICE.name,
        "metadata": {"name": APP},
        "spec": {"selector": spec.get("selector") or {}, "ports": [_plain(port) for port in ports]},
    }


def _plain(port: Mapping[str, Any]) -> dict[str, Any]:
    target = port.get("targetPort", port["port"])
    return {"name": "http", "port": port["port"], "targetPort": target, "protocol": "TCP"}


def _backends(manifests: Sequence[Manifest], host: str) -> Iterator[tuple[str, Any]]:
    for manifest in manifests:
        if manifest.known is not INGRESS:
            continue
        for rule in mappings(mapping_at(manifest.body, "spec").get("rules")):
            if rule.get("host") != host:
                continue
            for path in mappings(mapping_at(rule, "http").get("paths")):
                service = mapping_at(path, "backend", "service")
                port = mapping_at(service, "port")
                yield str(service.get("name")), port.get("number") or port.get("name")


def _ports(service: Manifest) -> dict[str, int]:
    """Return a Service's port numbers by name; unnamed ports by number."""
    ports = mappings(mapping_at(service.body, "spec").get("ports"))
    return {str(each.get("name") or each.get("port")): int(each["port"]) for each in ports if _is_port(each)}


def _is_port(port: Mapping[str, Any]) -> bool:
    return str(port.get("port", "")).isdecimal()


def _number(ports: Mapping[str, int], wanted: Any) -> int | None:
    if isinstance(wanted, int):
        return wanted if wanted in ports.values() else None
    return ports.get(str(wanted))
