"""Derives the configuration of the ingress and the name server from the cluster's objects."""

from collections.abc import Iterable, Iterator
from typing import Any

from tests.cluster.local.watching import Object

CLASS = "caddy"
NOT_FOUND = {"handle": [{"handler": "static_response", "status_code": 404}]}


def caddy_routes(ingresses: Iterable[Object], services: Iterable[Object]) -> list[Object]:
    """Return Caddy's routes for the Ingresses of our class, most specific first, then the oldest."""
    known = {_name(service): service for service in services}
    by_age = sorted(ingresses, key=lambda ingress: str(ingress["metadata"].get("creationTimestamp")))
    ours = (ingress for ingress in by_age if ingress["spec"].get("ingressClassName") == CLASS)
    found = sorted((route for ingress in ours for route in _routes(ingress, known)), key=_generality)
    return [*found, NOT_FOUND]


def hosts_file(services: Iterable[Object]) -> str:
    """Return the names of the Services with an address, in the format of /etc/hosts."""
    lines = []
    for service in services:
        namespace, name = _name(service)
        if (address := service["spec"].get("clusterIP", "None")) != "None":
            lines.append(f"{address} {name}.{namespace}.svc.cluster.local\n")
    return "".join(lines)


def _name(item: Object) -> tuple[str, str]:
    return item["metadata"]["namespace"], item["metadata"]["name"]


def _routes(ingress: Object, services: dict[tuple[str, str], Object]) -> Iterator[Object]:
    namespace, _ = _name(ingress)
    for rule in ingress["spec"].get("rules", []):
        for path in rule.get("http", {}).get("paths", []):
            backend = path["backend"]["service"]
            if service := services.get((namespace, backend["name"])):
                to = {"handler": "reverse_proxy", "upstreams": [{"dial": _dial(service, backend)}]}
                yield {"match": [_match(rule.get("host"), path)], "handle": [to], "terminal": True}


def _match(host: str | None, path: Object) -> dict[str, Any]:
    at = path.get("path", "/").rstrip("/")
    paths = [at or "/"] if path["pathType"] == "Exact" else [at, f"{at}/*"] if at else ["/*"]
    return {"path": paths} | ({"host": [host]} if host else {})


def _dial(service: Object, backend: Object) -> str:
    wanted = backend["port"]
    ports = {port.get("name"): port["port"] for port in service["spec"]["ports"]}
    return f"{service['spec']['clusterIP']}:{wanted.get('number') or ports.get(wanted.get('name'))}"


def _generality(route: Object) -> tuple[bool, bool, int]:
    [match] = route["match"]
    hosts, paths = match.get("host", ["*"]), match["path"]
    return hosts[0].startswith("*"), paths[-1].endswith("*"), -len(paths[0])
