from bot.runners.kubernetes.pure.entry_service import EntryService, alias, find
from bot.runners.kubernetes.pure.manifests import Manifest, read

HOST = "pr-12-shop.example.com"
WEB = """
{apiVersion: v1, kind: Service, metadata: {name: web}, spec: {selector: {app: web},
 ports: [{name: http, port: 80, targetPort: 8080, nodePort: 31000}, {port: 9090}, {port: x}, nonsense]}}
"""
APP = "{apiVersion: v1, kind: Service, metadata: {name: app}, spec: {ports: [{port: 8080}]}}"
BARE = "{apiVersion: v1, kind: Service, metadata: {name: peers}, spec: {clusterIP: None}}"


def objects(*texts: str) -> tuple[Manifest, ...]:
    return read("\n---\n".join(texts))


def ingress(backend: str, host: str = HOST) -> str:
    rule = f"{{host: {host}, http: {{paths: [{{path: /, backend: {backend}}}]}}}}"
    body = f"spec: {{rules: [{rule}]}}"
    return f"{{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {{name: web}}, {body}}}"


def test_an_ingress_determines_the_entry_service() -> None:
    by_number = ingress("{service: {name: web, port: {number: 9090}}}")
    by_name = ingress("{service: {name: web, port: {name: http}}}")

    assert find(objects(APP, WEB, by_number), HOST) == EntryService("web", 9090, routed=True)
    assert find(objects(APP, WEB, by_name), HOST) == EntryService("web", 80, routed=True)


def test_an_ingress_without_a_service_or_for_another_host_is_ignored() -> None:
    nowhere = ingress("{service: {name: web, port: {number: 1}}}")
    unknown = ingress("{service: {name: gone, port: {number: 80}}}")
    another = ingress("{service: {name: web, port: {number: 80}}}", "other.example.com")
    empty = "{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {name: web}}"

    assert find(objects(WEB, nowhere, unknown, another, empty), HOST) == EntryService("web", 80, routed=False)


def test_without_an_ingress_the_entry_service_is_app_or_the_only_one() -> None:
    assert find(objects(WEB, APP), HOST) == EntryService("app", 8080, routed=False)
    assert find(objects(WEB, BARE), HOST) == EntryService("web", 80, routed=False)
    assert find(objects(WEB, WEB.replace("web", "api")), HOST) is None
    assert find(objects(BARE), HOST) is None


def test_tests_reach_another_entry_service_as_app() -> None:
    found = EntryService("web", 80, routed=True)

    body = alias(objects(WEB), found)

    assert body is not None
    assert body["metadata"] == {"name": "app"}
    assert body["spec"] == {
        "selector": {"app": "web"},
        "ports": [{"name": "http", "port": 80, "targetPort": 8080, "protocol": "TCP"}],
    }
    assert alias(objects(WEB, APP), found) is None
