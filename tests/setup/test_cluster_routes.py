"""The routes of the test cluster's ingress and the records of its name server."""

from typing import Any

from tests.cluster.local.routes import NOT_FOUND, caddy_routes, hosts_file


def service(name: str, address: str = "10.97.0.5", namespace: str = "a") -> dict[str, Any]:
    return {
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"clusterIP": address, "ports": [{"name": "http", "port": 80}, {"port": 90}]},
    }


def ingress(*paths: dict[str, Any], host: str | None = "a.test", kind: str = "caddy") -> dict[str, Any]:
    rule = {"http": {"paths": list(paths)}} | ({"host": host} if host else {})
    return {
        "metadata": {"name": "web", "namespace": "a"},
        "spec": {"ingressClassName": kind, "rules": [rule]},
    }


def path(
    at: str, name: str = "web", port: dict[str, Any] | None = None, kind: str = "Prefix"
) -> dict[str, Any]:
    backend = {"service": {"name": name, "port": port or {"number": 80}}}
    return {"path": at, "pathType": kind, "backend": backend}


def matches(routes: list[dict[str, Any]]) -> list[tuple[str, list[str]]]:
    return [(m.get("host", ["*"])[0], m["path"]) for route in routes[:-1] for m in route["match"]]


def test_a_host_routes_to_its_service_and_other_hosts_to_404() -> None:
    route, last = caddy_routes([ingress(path("/"))], [service("web")])
    assert route["match"] == [{"path": ["/*"], "host": ["a.test"]}]
    assert route["handle"][0]["upstreams"] == [{"dial": "10.97.0.5:80"}]
    assert last == NOT_FOUND


def test_a_port_may_be_named() -> None:
    [route, _] = caddy_routes([ingress(path("/", port={"name": "http"}))], [service("web")])
    assert route["handle"][0]["upstreams"] == [{"dial": "10.97.0.5:80"}]


def test_the_most_specific_path_is_first() -> None:
    routes = caddy_routes(
        [
            ingress(path("/"), host="*.test"),
            ingress(path("/"), path("/api"), path("/api/v1/"), path("/api", kind="Exact")),
        ],
        [service("web")],
    )
    assert matches(routes) == [
        ("a.test", ["/api"]),
        ("a.test", ["/api/v1", "/api/v1/*"]),
        ("a.test", ["/api", "/api/*"]),
        ("a.test", ["/*"]),
        ("*.test", ["/*"]),
    ]


def test_other_ingress_classes_and_missing_services_are_skipped() -> None:
    other, lost = ingress(path("/"), kind="nginx"), ingress(path("/", name="gone"))
    elsewhere = service("web", namespace="b")
    assert caddy_routes([other, lost], [elsewhere]) == [NOT_FOUND]


def test_services_with_an_address_have_a_name() -> None:
    assert hosts_file([service("web"), service("db", "None")]) == "10.97.0.5 web.a.svc.cluster.local\n"
