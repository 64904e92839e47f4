"""Environments on a real cluster: deployed, visited, changed, removed."""

import asyncio
import json
import socket
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.core.naming import LABEL_RUN
from bot.model.egress import EgressRule
from bot.model.errors import TellUser
from bot.model.holder import ANYONE
from bot.model.inventory import ItemKind
from bot.model.reason import Reason
from bot.ports import ServiceSpec
from bot.runners.kubernetes.cluster import ClusterRefused
from tests.cluster.access import Access, named, wait_until
from tests.cluster.previews import SERVE, Previews, definition_of
from tests.cluster.visit import Visit
from tests.fakes.log import FakeLog


def listed(cluster: Access, api: str, kind: str, namespace: str) -> list[Any]:
    return list(cluster.kind(api, kind).get(namespace=namespace).items)


def exists(cluster: Access, namespace: str) -> bool:
    item = named("v1", "Namespace", namespace)
    return cluster.exists(item) and not cluster.get(item).metadata.deletionTimestamp


async def test_a_deployed_service_answers_visitors_until_it_is_removed(
    previews: Previews, cluster: Access, visit: Visit, log: FakeLog
) -> None:
    endpoint = await previews.platform.deploy(previews.environment(), log)

    assert visit(previews.host).text == "at your service\n"
    assert endpoint.port == 8080
    assert f"http://{previews.host}/ answers" in log.text

    await previews.platform.remove(previews.key, ANYONE)

    assert not cluster.exists(named("v1", "Namespace", previews.namespace))
    visit.until_gone(previews.host)
    await previews.platform.remove(previews.key, ANYONE)


async def test_a_namespace_names_its_owner_and_has_guardrails(
    previews: Previews, cluster: Access, log: FakeLog
) -> None:
    await previews.platform.deploy(previews.environment(), log)

    found = cluster.get(named("v1", "Namespace", previews.namespace)).metadata
    assert len(previews.namespace) <= 63
    assert found.annotations["chatops.repo"] == str(previews.key.repo)
    assert found.annotations["chatops.owner"] == "mei"
    assert found.annotations["chatops.expires"] == "2026-05-01T12:00:00+00:00"
    assert found.labels["chatops.number"] == "12"
    assert found.labels["pod-security.kubernetes.io/enforce"] == "restricted"
    assert cluster.exists(named("networking.k8s.io/v1", "NetworkPolicy", "chatops", previews.namespace))
    assert cluster.exists(named("v1", "ResourceQuota", "chatops", previews.namespace))
    assert cluster.exists(named("v1", "LimitRange", "chatops", previews.namespace))
    account = cluster.get(named("v1", "ServiceAccount", "default", previews.namespace))
    assert account.automountServiceAccountToken is False
    for pod in listed(cluster, "v1", "Pod", previews.namespace):
        assert not [each for each in pod.spec.volumes or [] if "token" in each.name]


async def test_what_speaks_no_http_is_ready_once_its_port_is_open(previews: Previews, log: FakeLog) -> None:
    talks = ("sh", "-c", "sleep 1; exec nc -ll -p 8080 -e echo +PONG")

    endpoint = await previews.platform.deploy(previews.environment(http=False, command=talks), log)

    def said() -> bytes:
        with (
            suppress(ConnectionError),
            socket.create_connection((endpoint.host, endpoint.port)) as asked,
        ):
            return asked.recv(100)
        return b""

    # A node learns of a Service's pods a moment later.
    wait_until(lambda: said() == b"+PONG\n", "an answer of the service", said)
    assert "answers" not in log.text


async def test_a_restricted_service_writes_only_to_its_temporary_folder(
    previews: Previews, visit: Visit, log: FakeLog
) -> None:
    tell = "mkdir /tmp/www; grep ' / ' /proc/mounts > /tmp/www/index.html; exec httpd -f -p 8080 -h /tmp/www"

    await previews.platform.deploy(previews.environment(restricted=True, command=("sh", "-c", tell)), log)

    assert " ro," in visit(previews.host).text


def runs(cluster: Access, namespace: str) -> bool:
    """Return whether any container runs."""
    pods = listed(cluster, "v1", "Pod", namespace)
    return any(each.state.running for pod in pods for each in pod.status.containerStatuses or ())


async def test_a_service_reaches_the_services_beside_it(
    previews: Previews, visit: Visit, log: FakeLog
) -> None:
    beside = [
        ServiceSpec("db", previews.image.pinned, command=("sh", "-c", SERVE), port=8080),
        ServiceSpec("queue", previews.image.pinned, command=("sleep", "600")),
    ]
    # A node learns of a Service's pods a moment later.
    fetch = "until wget -qO /dev/shm/index.html http://db:8080/; do sleep 0.1; done"
    fetch += "; exec httpd -f -p 8080 -h /dev/shm"

    await previews.platform.deploy(previews.environment(services=beside, command=("sh", "-c", fetch)), log)

    assert visit(previews.host).text == "at your service\n"


async def test_containers_have_entrypoints_folders_hostnames_and_commands_as_health_checks(
    previews: Previews, cluster: Access, visit: Visit, log: FakeLog
) -> None:
    beside = [
        ServiceSpec(
            "store",
            previews.image.pinned,
            entrypoint=("sh", "-c"),
            command=("sleep 1; pwd > index.html; exec httpd -f -p 8080",),
            working_dir="/dev/shm",
            port=8080,
            aliases=("shop-store",),
            health_command=("test", "-e", "/dev/shm/index.html"),
        )
    ]
    # A node learns of a Service's pods a moment later.
    fetch = "until wget -qO index.html http://shop-store:8080/; do sleep 0.1; done; exec httpd -f -p 8080"

    await previews.platform.deploy(
        previews.environment(
            services=beside,
            entrypoint=("sh",),
            command=("-c", fetch),
            working_dir="/dev/shm",
            aliases=("web",),
        ),
        log,
    )

    assert visit(previews.host).text == "/dev/shm\n"
    web = cluster.get(named("v1", "Service", "web", previews.namespace))
    assert web.spec.selector.to_dict() == {"chatops.part": "app"}


async def test_services_start_in_order_with_health_volumes_and_images_of_the_commit(
    previews: Previews, cluster: Access, visit: Visit, log: FakeLog
) -> None:
    keep = "echo from the volume > /data/index.html; exec httpd -f -p 8080 -h /data"
    # A node learns of a Service's pods a moment later.
    fetch = "until wget -qO /tmp/index.html http://{}:8080/; do sleep 0.1; done"
    relay = f"{fetch}; exec httpd -f -p 8080 -h /tmp"
    run, pinned = ("sh", "-c"), previews.image.pinned
    beside = [
        ServiceSpec(
            "api",
            pinned,
            command=(*run, relay.format("db")),
            port=8080,
            health_path="/index.html",
            depends_on=("db",),
            memory="32m",
            built=True,
        ),
        ServiceSpec("db", pinned, command=(*run, keep), port=8080, volumes=("/data",)),
    ]
    wanted = previews.environment(services=beside, restricted=True, command=(*run, relay.format("api")))

    await previews.platform.deploy(wanted, log)

    assert visit(previews.host).text == "from the volume\n"
    pods = {
        pod.metadata.labels["chatops.part"]: pod for pod in listed(cluster, "v1", "Pod", previews.namespace)
    }
    [ready] = [one.lastTransitionTime for one in pods["db"].status.conditions if one.type == "Ready"]
    assert pods["api"].metadata.creationTimestamp >= ready
    [api], [db] = pods["api"].spec.containers, pods["db"].spec.containers
    assert (api.resources.limits.memory, api.securityContext.readOnlyRootFilesystem) == ("32Mi", True)
    assert not db.securityContext.readOnlyRootFilesystem, "foreign images may write"


async def test_another_deployment_replaces_the_first_and_leaves_nothing_of_it(
    previews: Previews, cluster: Access, visit: Visit, log: FakeLog
) -> None:
    beside = [ServiceSpec("db", previews.image.pinned, command=("sleep", "600"))]
    await previews.platform.deploy(previews.environment(services=beside), log)
    says = ("sh", "-c", SERVE.replace("at your service", "$WORDS"))

    await previews.platform.deploy(previews.environment(command=says, env={"WORDS": "$(HOME) & 你好"}), log)

    visit.until_says(previews.host, "$(HOME) & 你好\n")
    assert "removed Deployment/db" in log.text
    wait_until(
        lambda: (
            {each.metadata.name for each in listed(cluster, "apps/v1", "Deployment", previews.namespace)}
            == {"app"}
        ),
        "the objects of the first deployment",
    )


def manifests(previews: Previews, **pod: Any) -> dict[str, str]:
    spec = {
        "securityContext": {"runAsUser": 1000, "runAsNonRoot": True},
        "terminationGracePeriodSeconds": 1,
        "containers": [{"name": "web", "image": "IMAGE", "args": ["sh", "-c", SERVE]}],
        **pod,
    }
    template = {"metadata": {"labels": {"app": "web"}}, "spec": spec}
    deployment = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web"},
        "spec": {"selector": {"matchLabels": {"app": "web"}}, "template": template},
    }
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "web"},
        "spec": {
            "selector": {"app": "web"},
            "ports": [{"name": "http", "port": 80, "targetPort": 8080, "protocol": "TCP"}],
        },
    }
    return {
        "web.yaml": json.dumps(deployment).replace('"IMAGE"', "{{ image.pinned | json }}"),
        "service.yaml": json.dumps(service),
    }


async def test_a_repositorys_manifests_are_completed(
    previews: Previews, cluster: Access, visit: Visit, log: FakeLog, tmp_path: Path
) -> None:
    theirs = manifests(previews)
    endpoint = await previews.platform.deploy(
        previews.environment(definition=definition_of(tmp_path, "deploy/k8s", theirs), port=None), log
    )

    assert visit(previews.host).text == "at your service\n"
    assert endpoint.port == 80
    output = await previews.platform.run_tests(previews.suite("wget -qO- http://app:80/"), log)
    assert output.exit_code == 0
    assert (
        cluster.get(named("apps/v1", "Deployment", "web", previews.namespace)).metadata.labels["chatops.run"]
        == "7"
    )


async def test_manifests_that_violate_the_policy_are_refused_before_anything_is_applied(
    previews: Previews, cluster: Access, log: FakeLog, tmp_path: Path
) -> None:
    theirs = manifests(previews, hostNetwork=True)

    with pytest.raises(TellUser) as caught:
        await previews.platform.deploy(
            previews.environment(definition=definition_of(tmp_path, "deploy/k8s", theirs)), log
        )

    assert caught.value.reason is Reason.MANIFEST_VALUE_REFUSED
    assert caught.value.facts["object"] == "Deployment/web"
    assert caught.value.facts["what"] == "spec.template.spec.hostNetwork: true"
    assert not cluster.exists(named("v1", "Namespace", previews.namespace))


async def test_an_immutable_field_may_change_between_deployments(
    previews: Previews, visit: Visit, log: FakeLog, tmp_path: Path
) -> None:
    theirs = manifests(previews)
    await previews.platform.deploy(
        previews.environment(definition=definition_of(tmp_path, "k8s", theirs)), log
    )
    changed = {name: text.replace('{"app": "web"}', '{"app": "shop"}') for name, text in theirs.items()}

    await previews.platform.deploy(
        previews.environment(definition=definition_of(tmp_path, "k8s", changed)), log
    )

    assert visit(previews.host).text == "at your service\n"


async def test_the_previous_deployment_is_removed_first_on_request(
    previews: Previews, cluster: Access, visit: Visit, log: FakeLog
) -> None:
    await previews.platform.deploy(previews.environment(), log)
    [before] = listed(cluster, "v1", "Pod", previews.namespace)

    await previews.platform.deploy(previews.environment(replace=True), log)

    [now] = listed(cluster, "v1", "Pod", previews.namespace)
    assert now.metadata.uid != before.metadata.uid
    assert "removed Deployment/app" in log.text
    assert visit(previews.host).text == "at your service\n"


async def test_a_failed_deployment_is_removed(previews: Previews, cluster: Access, log: FakeLog) -> None:
    with pytest.raises(TellUser):
        await previews.platform.deploy(previews.environment(command=("false",)), log)

    assert not exists(cluster, previews.namespace)


async def test_a_cancelled_deployment_is_left_to_its_caller(
    previews: Previews, cluster: Access, log: FakeLog
) -> None:
    deploying = asyncio.create_task(previews.platform.deploy(previews.environment(port=9), log))
    await asyncio.to_thread(wait_until, lambda: runs(cluster, previews.namespace), "the pod")

    deploying.cancel()
    with pytest.raises(asyncio.CancelledError):
        await deploying
    assert exists(cluster, previews.namespace)
    await previews.platform.remove(previews.key, ANYONE)

    assert not exists(cluster, previews.namespace)


async def test_a_namespace_of_another_owner_is_never_touched(
    previews: Previews, cluster: Access, instance: str, log: FakeLog
) -> None:
    item = named("v1", "Namespace", previews.namespace)
    item["metadata"]["labels"] = {"chatops.instance": instance}
    cluster.create(item)

    with pytest.raises(ClusterRefused, match="not of this bot"):
        await previews.platform.deploy(previews.environment(), log)
    await previews.platform.remove(previews.key, ANYONE)

    assert exists(cluster, previews.namespace)


async def test_a_cluster_that_answers_is_healthy(previews: Previews) -> None:
    assert await previews.platform.ping() is None
    await previews.platform.remove_images(previews.key.repo, 12, ANYONE)


async def test_the_inventory_lists_environments_and_single_ones_are_removed(
    previews: Previews, cluster: Access, log: FakeLog
) -> None:
    assert await previews.platform.inventory() == ()
    await previews.platform.deploy(previews.environment(), log)

    (found,) = await previews.platform.inventory()

    assert (found.kind, found.key, found.name) == (ItemKind.NAMESPACE, previews.key, previews.namespace)
    assert found.made_at is not None
    assert timedelta(minutes=-1) < datetime.now(UTC) - found.made_at < timedelta(minutes=5)
    stranger = replace(found, environment="staging")
    later = datetime(2026, 5, 2, 12, tzinfo=UTC)
    await previews.platform.update_expiry(stranger, later)
    assert (await previews.platform.inventory()) == (found,)
    await previews.platform.update_expiry(found, later)
    (found,) = await previews.platform.inventory()
    assert found.expires == later
    assert await previews.platform.remove_items([stranger]) == ()
    assert exists(cluster, previews.namespace)
    assert await previews.platform.remove_items([found]) == (found,)
    assert not exists(cluster, previews.namespace)
    await previews.platform.update_expiry(found, later)
    assert await previews.platform.inventory() == ()


@pytest.mark.attack
async def test_the_network_policy_opens_only_the_way_out_of_the_environment(
    previews: Previews, cluster: Access, log: FakeLog
) -> None:
    team = EgressRule("team", ("*/*",), ("10.2.0.0/16",))

    async def opened(run: int, **changes: Any) -> list[str]:
        spec = previews.environment(**changes)
        await previews.platform.deploy(replace(spec, labels={**spec.labels, LABEL_RUN: str(run)}), log)
        policy = cluster.get(named("networking.k8s.io/v1", "NetworkPolicy", "chatops", previews.namespace))
        peers = [peer for rule in policy.spec.egress for peer in rule.to or ()]
        return [str(peer.ipBlock.cidr) for peer in peers if peer.ipBlock]

    without = await opened(7)
    assert await opened(8, egress=team) == ["10.2.0.0/16", *without]
    assert await opened(9) == without
