"""Attacks by manifests on a real cluster; the tables of all tricks are in `tests/attack/manifests`."""

import json
from pathlib import Path
from typing import Any

import pytest

from bot.model.errors import TellUser
from bot.model.holder import ANYONE
from bot.model.reason import Reason
from tests.cluster.access import Access, named
from tests.cluster.previews import SERVE, Previews, definition_of
from tests.cluster.visit import Visit
from tests.fakes.log import FakeLog

pytestmark = pytest.mark.attack

STOPS = f"trap exit TERM; {SERVE.replace('exec ', '')} & wait"
SERVICE = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {"name": "app"},
    "spec": {"selector": {"app": "web"}, "ports": [{"port": 80, "targetPort": 8080, "protocol": "TCP"}]},
}


def files(metadata: dict[str, Any], more: dict[str, Any] | None = None, **pod: Any) -> dict[str, str]:
    """Return manifests of a service that answers, without any securityContext."""
    container = {"name": "web", "image": "IMAGE", "args": ["sh", "-c", STOPS], **(more or {})}
    template = {
        "metadata": {"labels": {"app": "web"}, **metadata},
        "spec": {"containers": [container], **pod},
    }
    web = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web"},
        "spec": {"selector": {"matchLabels": {"app": "web"}}, "template": template},
    }
    text = "\n---\n".join(map(json.dumps, (web, SERVICE)))
    return {"all.yaml": text.replace('"IMAGE"', "{{ image.pinned | json }}")}


async def test_finalizers_of_pods_do_not_reach_the_cluster(
    previews: Previews, cluster: Access, log: FakeLog, tmp_path: Path
) -> None:
    theirs = definition_of(tmp_path, "k8s", files({"finalizers": ["example.com/never"]}))

    with pytest.raises(TellUser) as caught:
        await previews.platform.deploy(previews.environment(definition=theirs), log)

    assert caught.value.reason is Reason.MANIFEST_REFUSED
    assert caught.value.facts["what"] == 'spec.template.metadata.finalizers: ["example.com/never"]'
    assert not cluster.exists(named("v1", "Namespace", previews.namespace))


async def test_a_day_of_grace_and_no_security_become_a_minute_and_restricted(
    previews: Previews, cluster: Access, visit: Visit, log: FakeLog, tmp_path: Path
) -> None:
    volume = {"name": "files", "emptyDir": {}}
    hostile = files({}, terminationGracePeriodSeconds=86_400, volumes=[volume])

    await previews.platform.deploy(
        previews.environment(definition=definition_of(tmp_path, "k8s", hostile)), log
    )

    assert visit(previews.host).text == "at your service\n"
    assert "terminationGracePeriodSeconds: 60 instead of 86400" in log.text
    [pod] = cluster.kind("v1", "Pod").get(namespace=previews.namespace).items
    [container] = pod.spec.containers
    assert pod.spec.terminationGracePeriodSeconds == 60
    assert (pod.spec.securityContext.runAsNonRoot, pod.spec.securityContext.runAsUser) == (True, 1000)
    assert pod.spec.securityContext.seccompProfile.type == "RuntimeDefault"
    assert container.securityContext.allowPrivilegeEscalation is False
    assert list(container.securityContext.capabilities.drop) == ["ALL"]
    assert container.resources.limits["ephemeral-storage"] == "2147483648"
    assert pod.spec.volumes[0].emptyDir.sizeLimit == "2Gi"

    await previews.platform.remove(previews.key, ANYONE)
    assert not cluster.exists(named("v1", "Namespace", previews.namespace))


async def test_a_hook_that_never_ends_does_not_hold_the_namespace(
    previews: Previews, cluster: Access, log: FakeLog, tmp_path: Path
) -> None:
    waits = {"lifecycle": {"preStop": {"exec": {"command": ["sleep", "86400"]}}}}
    theirs = definition_of(tmp_path, "k8s", files({}, waits, terminationGracePeriodSeconds=1))
    await previews.platform.deploy(previews.environment(definition=theirs), log)

    await previews.platform.remove(previews.key, ANYONE)

    assert not cluster.exists(named("v1", "Namespace", previews.namespace))


async def test_pods_may_ask_only_the_clusters_dns(previews: Previews, cluster: Access, log: FakeLog) -> None:
    await previews.platform.deploy(previews.environment(), log)

    found = cluster.get(named("networking.k8s.io/v1", "NetworkPolicy", "chatops", previews.namespace))
    within, dns = found.to_dict()["spec"]["egress"]
    assert within == {"to": [{"podSelector": {}}]}
    assert dns["to"] == [
        {
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}},
            "podSelector": {"matchLabels": {"k8s-app": "kube-dns"}},
        }
    ]
