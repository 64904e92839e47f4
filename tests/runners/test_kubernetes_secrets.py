"""What parts of an environment get their secrets from: names in manifests, Secrets in a namespace."""

import base64
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.core import naming
from bot.model.errors import TellUser
from bot.model.holder import Holder
from bot.model.secrets import SecretValue
from bot.ports import Definition, ServiceSpec
from bot.runners.kubernetes import applying
from bot.runners.kubernetes.cluster import Cluster
from bot.runners.kubernetes.namespace_secrets import NamespaceSecrets
from bot.runners.kubernetes.options import KubernetesOptions
from bot.runners.kubernetes.plans import scope_of
from bot.runners.kubernetes.pure.manifest_policy import review
from bot.runners.kubernetes.pure.manifests import SECRET, STATEFUL_SET, read
from bot.runners.kubernetes.suite import stop
from bot.runners.kubernetes.suite_job import job
from tests.runners.kubernetes_samples import KEY, SHA, environment_of, suite_of
from tests.runners.kubernetes_script import NAMESPACE, Object, Script, scripted
from tests.runners.test_kubernetes_objects import OPTIONS, built, pods

PASSWORD = "correct-horse-9f86d081"
FILE = SecretValue("password", f"{PASSWORD}\n".encode())
VARIABLE = SecretValue("password", f"{PASSWORD}\n".encode(), "DATABASE_PASSWORD")
MOUNT = {"name": "chatops-secrets", "mountPath": "/run/secrets", "readOnly": True}


def volume(name: str) -> Object:
    items = [{"key": "password", "path": "password"}]
    return {"name": "chatops-secrets", "secret": {"secretName": name, "defaultMode": 0o444, "items": items}}


def variable(name: str) -> Object:
    source = {"secretKeyRef": {"name": name, "key": "DATABASE_PASSWORD"}}
    return {"name": "DATABASE_PASSWORD", "valueFrom": source}


def test_each_part_names_its_own_secret_and_contains_no_value() -> None:
    services = [ServiceSpec("db", "postgres:16", secrets=(FILE,)), ServiceSpec("cache", "redis:7")]
    documents = built(services=services, secrets=(FILE, VARIABLE))
    suite = job(suite_of(secrets=(FILE, VARIABLE)), OPTIONS, naming.labels(KEY, sha=SHA, run=7))
    app, database, cache = pods(documents)
    tests = suite["spec"]["template"]["spec"]

    assert (app["volumes"], database["volumes"]) == (
        [volume("chatops-secrets.deploy.7-0")],
        [volume("chatops-secrets.services.db.7-0")],
    )
    assert app["containers"][0]["env"] == [variable("chatops-secrets.deploy.7-0")]
    assert (app["containers"][0]["volumeMounts"], database["containers"][0]["volumeMounts"]) == (
        [MOUNT],
        [MOUNT],
    )
    assert "chatops-secrets" not in json.dumps(cache)
    assert tests["volumes"][1:] == [volume("chatops-secrets.test.7-0")]
    assert tests["containers"][0]["env"] == [variable("chatops-secrets.test.7-0")]
    assert tests["containers"][0]["volumeMounts"][1:] == [MOUNT]
    assert "chatops-secrets" not in json.dumps(tests["containers"][1]), "the collector has no secrets"
    for text in (json.dumps([documents, suite]), repr(services)):
        assert PASSWORD not in text
        assert base64.b64encode(FILE.value).decode() not in text


def test_a_secret_replaces_a_variable_of_the_same_name() -> None:
    plain = {"DATABASE_PASSWORD": "of .chatops.yml", "MODE": "test"}
    database = ServiceSpec("db", "postgres:16", plain, secrets=(VARIABLE,))
    documents = built(services=[database], env=plain, secrets=(VARIABLE,))
    suite = job(suite_of(env=plain, secrets=(VARIABLE,)), OPTIONS, naming.labels(KEY, sha=SHA, run=7))
    parts = [*pods(documents), suite["spec"]["template"]["spec"]]

    assert [each["containers"][0]["env"] for each in parts] == [
        [{"name": "MODE", "value": "test"}, variable(f"chatops-secrets.{part}.7-0")]
        for part in ("deploy", "services.db", "test")
    ]


def test_manifests_with_secrets_comply_with_the_policy() -> None:
    services = [ServiceSpec("db", "postgres:16", port=5432, secrets=(FILE, VARIABLE))]
    text = "\n---\n".join(map(json.dumps, built(services=services, secrets=(FILE, VARIABLE))))
    common = text.replace("chatops.part", "part").replace("chatops.run", "revision")
    spec = environment_of(services=services, secrets=(FILE, VARIABLE))

    found = review(read(common), scope_of(OPTIONS, "pr-12-shop", spec))

    assert (found.violations, found.changes) == ((), ())


WEB = """\
apiVersion: apps/v1
kind: Deployment
metadata: {{name: web}}
spec: {{template: {{spec: {{containers: [], volumes: [{{name: v, secret: {{secretName: {name}}}}}]}}}}}}
"""


@pytest.mark.attack
@pytest.mark.parametrize("kind", ["manifests", "chart"])
@pytest.mark.parametrize(
    ("name", "readers"),
    [
        ("chatops-secrets.deploy.7-0", {"manifests", "chart"}),
        ("chatops-secrets.services.db.7-0", {"manifests"}),
        ("chatops-secrets.deploy.6-0", set()),
        ("chatops-secrets.services.cache.7-0", set()),
        ("chatops-secrets.test.7-0", set()),
        ("chatops-secrets.", set()),
        ("chatops-pull", set()),
    ],
)
def test_manifests_read_the_secrets_of_their_own_deployment_alone(
    kind: str, name: str, readers: set[str]
) -> None:
    services = [ServiceSpec("db", "postgres:16", secrets=(FILE,)), ServiceSpec("cache", "redis:7")]
    definition = Definition("deploy", chart=kind == "chart")
    spec = environment_of(services=services, secrets=(FILE,), definition=definition)
    scope = scope_of(KubernetesOptions("bot"), "pr-12-shop", spec)

    found = review(read(WEB.format(name=name)), scope)

    assert [each.what for each in found.violations] == (
        [] if kind in readers else [f"spec.template.spec.volumes[v].secret.secretName: {name}"]
    )


@pytest.mark.attack
@pytest.mark.parametrize(
    "manifest",
    [
        "{apiVersion: v1, kind: Secret, metadata: {name: NAME}, stringData: {password: mine}}",
        "{apiVersion: v1, kind: ServiceAccount, metadata: {name: a}, imagePullSecrets: [{name: NAME}]}",
        "{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {name: a}, spec: TLS}",
    ],
)
def test_even_a_deployments_own_secret_is_neither_replaced_nor_given_to_controllers(manifest: str) -> None:
    spec = environment_of(secrets=(FILE,))
    text = manifest.replace("TLS", "{tls: [{secretName: NAME}]}").replace(
        "NAME", "chatops-secrets.deploy.7-0"
    )

    with pytest.raises(TellUser, match=r"chatops-secrets\.deploy\.7-0"):
        applying.check(read(text), scope_of(OPTIONS, "pr-12-shop", spec))


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[tuple[Script, Cluster]]:
    async with scripted(tmp_path) as found:
        yield found


def labels(run: int, attempt: int = 0) -> dict[str, str]:
    return naming.labels(KEY, sha=SHA, run=run, attempt=attempt)


def secrets_in(script: Script) -> set[str]:
    prefix = SECRET.path(NAMESPACE, "")
    return {path.removeprefix(f"{prefix}/") for path in script.objects if path.startswith(prefix)}


async def give(cluster: Cluster, run: int, **granted: tuple[SecretValue, ...]) -> None:
    await NamespaceSecrets(cluster, NAMESPACE, labels(run)).of_deployment(granted)


async def give_tests(cluster: Cluster, run: int, *values: SecretValue) -> None:
    await NamespaceSecrets(cluster, NAMESPACE, labels(run)).of_tests(values)


@pytest.mark.attack
async def test_a_deployment_finds_no_secret_of_an_earlier_one(world: tuple[Script, Cluster]) -> None:
    script, cluster = world
    script.put(SECRET, "chatops-pull", {}, labels=labels(1))
    await give(cluster, 1, deploy=(FILE,))
    await give_tests(cluster, 1, FILE)

    await give(cluster, 2, deploy=(FILE, VARIABLE))
    assert secrets_in(script) == {"chatops-pull", "chatops-secrets.deploy.2-0"}

    await give(cluster, 3)
    assert secrets_in(script) == {"chatops-pull"}


@pytest.mark.attack
async def test_old_secrets_are_gone_before_new_ones_are_made(world: tuple[Script, Cluster]) -> None:
    script, cluster = world
    await give(cluster, 1, deploy=(FILE,))
    script.asked.clear()

    await give(cluster, 2, deploy=(FILE,))

    assert script.asked == ["GET secrets", "GET statefulsets", "DELETE secrets", "POST secrets"]


async def test_the_end_of_the_tests_leaves_only_the_secrets_of_the_service(
    world: tuple[Script, Cluster],
) -> None:
    script, cluster = world
    await give(cluster, 1, deploy=(FILE,))
    await give_tests(cluster, 1, FILE)
    assert secrets_in(script) == {"chatops-secrets.deploy.1-0", "chatops-secrets.test.1-0"}

    await stop(cluster, NAMESPACE, Holder(1, 0))

    assert secrets_in(script) == {"chatops-secrets.deploy.1-0"}


async def test_a_suite_without_secrets_finds_none_of_an_earlier_one(world: tuple[Script, Cluster]) -> None:
    script, cluster = world
    await give_tests(cluster, 1, FILE)
    await give_tests(cluster, 2)
    assert secrets_in(script) == set()


@pytest.mark.attack
async def test_a_replica_that_lost_its_lease_removes_no_secret_of_its_successor(
    world: tuple[Script, Cluster],
) -> None:
    script, cluster = world
    await give(cluster, 2, deploy=(FILE,))
    await give_tests(cluster, 2, FILE)

    await stop(cluster, NAMESPACE, Holder(1, 0))
    await give(cluster, 1, deploy=(FILE,))

    late = "chatops-secrets.deploy.1-0"
    assert secrets_in(script) == {"chatops-secrets.deploy.2-0", "chatops-secrets.test.2-0", late}
    scope = scope_of(OPTIONS, NAMESPACE, environment_of(labels=labels(2), secrets=(FILE,)))
    assert late not in scope.secrets, "no manifest of the successor may name it"


def sleep(script: Script, uid: str = "1") -> None:
    """Create a StatefulSet that sleeps, and one that does not."""
    script.put(STATEFUL_SET, "db", {}, uid=uid, annotations={"chatops.awake": "1"})
    script.put(STATEFUL_SET, "queue", {}, annotations={})


def sets_in(script: Script) -> set[str]:
    return {each["metadata"]["name"] for each in script.objects.values() if each["kind"] == STATEFUL_SET.name}


async def test_a_sleeping_stateful_set_is_deleted_before_its_secret(world: tuple[Script, Cluster]) -> None:
    script, cluster = world
    await give(cluster, 1, deploy=(FILE,))
    sleep(script)
    script.asked.clear()

    await give(cluster, 2)

    assert sets_in(script) == {"queue"}
    assert script.asked == ["GET secrets", "GET statefulsets", "DELETE statefulsets", "DELETE secrets"]


async def test_a_sleeping_stateful_set_without_secrets_stays(world: tuple[Script, Cluster]) -> None:
    script, cluster = world
    sleep(script)
    await give(cluster, 1, deploy=(FILE,))
    assert sets_in(script) == {"db", "queue"}


async def test_a_replica_that_hung_deletes_no_stateful_set_of_its_successor(
    world: tuple[Script, Cluster],
) -> None:
    script, cluster = world
    await give(cluster, 1, deploy=(FILE,))
    sleep(script)
    script.begin({1: lambda: sleep(script, uid="2")})

    await give(cluster, 2)

    assert "DELETE statefulsets" in script.asked
    assert sets_in(script) == {"db", "queue"}
