"""The cluster itself: the features that the other tests rely on."""

from typing import Any

import pytest

from tests.cluster.access import Access, named
from tests.cluster.visit import Visit

LABELS = {"app": "web"}
PORTS = [{"name": "http", "port": 80, "targetPort": 8080, "protocol": "TCP"}]


def pod(namespace: str, name: str, image: str, *command: str) -> dict[str, Any]:
    """Return a pod that runs one command in the tests' own image."""
    container = {"name": name, "image": image, "imagePullPolicy": "Never", "command": [*command]}
    return {
        **named("v1", "Pod", name, namespace),
        "spec": {
            "automountServiceAccountToken": False,
            "restartPolicy": "Never",
            "terminationGracePeriodSeconds": 1,
            "containers": [container],
        },
    }


@pytest.fixture
def host(cluster: Access, namespace: str, base_image: str, preview_domain: str) -> str:
    """Create a web server behind a Service and an Ingress, and return its host."""
    script = "mkdir /www; echo hello > /www/index.html; exec httpd -f -p 8080 -h /www"
    web = pod(namespace, "web", base_image, "sh", "-c", script)
    web["metadata"]["labels"] = LABELS
    web["spec"]["containers"][0]["readinessProbe"] = {"tcpSocket": {"port": 8080}, "periodSeconds": 1}
    cluster.create(web)
    cluster.create({**named("v1", "Service", "web", namespace), "spec": {"selector": LABELS, "ports": PORTS}})
    host = f"{namespace}.{preview_domain}"
    backend = {"service": {"name": "web", "port": {"name": "http"}}}
    rule = {"host": host, "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]}}
    cluster.create({**named("networking.k8s.io/v1", "Ingress", "web", namespace), "spec": {"rules": [rule]}})
    return host


def output(cluster: Access, item: dict[str, Any]) -> str:
    """Run a pod to its end and return its log."""
    cluster.create(item)
    cluster.until(item, lambda found: found.status.phase in {"Succeeded", "Failed"})
    return cluster.log(item)


def test_a_visitor_reaches_a_pod_through_the_ingress(cluster: Access, host: str, visit: Visit) -> None:
    namespace = host.partition(".")[0]
    cluster.until(named("v1", "Pod", "web", namespace), _ready)
    visit.until_says(host, "hello\n")
    assert visit(f"other-{host}").status_code == 404


def test_a_pod_resolves_services_and_public_names(
    cluster: Access, host: str, namespace: str, base_image: str
) -> None:
    cluster.until(named("v1", "Pod", "web", namespace), _ready)
    name = f"web.{namespace}.svc.cluster.local"
    # The name server learns of a new Service a moment later.
    script = f"until nslookup {name} > /dev/null; do sleep 0.1; done; nslookup {name}; nslookup {host}"
    found = output(cluster, pod(namespace, "ask", base_image, "sh", "-c", script))
    service = cluster.get(named("v1", "Service", "web", namespace)).spec.clusterIP
    assert f"Address: {service}" in found.replace("Address 1:", "Address:"), found
    assert "can't" not in found


def _ready(found: Any) -> bool:
    return any(each.type == "Ready" and each.status == "True" for each in found.status.conditions or [])
