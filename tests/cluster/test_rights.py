"""The chart's rights: enough for everything that the bot does in a cluster, and no more."""

import asyncio
import json
import os
import shutil
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from functools import partial
from http import HTTPStatus
from pathlib import Path

import pytest
from kubernetes.dynamic.exceptions import ForbiddenError

from bot.core import naming
from bot.model.environment import EnvironmentKey
from bot.model.forge import RepoPath
from bot.model.holder import ANYONE
from bot.model.run import Image
from bot.ports import EnvironmentSpec, ServiceSpec, TestSpec
from bot.runners.kubernetes.cluster import Cluster, ClusterAccess
from bot.runners.kubernetes.helm import Helm
from bot.runners.kubernetes.options import KubernetesOptions, Routing
from bot.runners.kubernetes.platform import KubernetesPlatform
from bot.sandbox.process import ProcessSandbox
from tests.cluster.access import Access, access, named
from tests.cluster.account import bot_account
from tests.cluster.chart import HELMS, Chart, Object, one
from tests.cluster.conftest import AUDIT
from tests.cluster.visit import Visit
from tests.fakes.log import FakeLog

SHA = "1a2b3c4d" * 5
KEY = EnvironmentKey(RepoPath("team", "shop"), 12, "preview")
LABELS = naming.labels(KEY, sha=SHA, run=7)
REPORT = '<testsuite name="unit" tests="1"><testcase classname="a" name="b"/></testsuite>'
SERVE = ("httpd", "-f", "-p", "8080", "-h", "/www")
USER = 10001
EVERY_KIND = Path(__file__).with_name("every_kind")


@pytest.fixture
def own_kubeconfig(cluster: Access, chart: Chart, namespace: str, tmp_path: Path) -> Iterator[Path]:
    """Write the kubeconfig of an account for this test only, whose requests the audit log shows."""
    with bot_account(cluster, chart, namespace, tmp_path) as found:
        yield found


@pytest.fixture
async def platform(
    own_kubeconfig: Path, instance: str, ingress: str, base_image: str, tmp_path: Path
) -> AsyncIterator[KubernetesPlatform]:
    """Give the runner exactly the chart's rights."""
    async with Cluster(ClusterAccess(own_kubeconfig)) as cluster:
        routing = Routing(address=ingress)
        options = KubernetesOptions(instance, routing=routing, run_as_user=USER, collector=base_image)
        yield KubernetesPlatform(
            cluster, options, Helm(ClusterAccess(own_kubeconfig), tmp_path), ProcessSandbox()
        )


@pytest.fixture
def limited(bot_kubeconfig: Path, tmp_path: Path) -> Iterator[Access]:
    """Give access to the cluster as the bot."""
    with access(bot_kubeconfig, tmp_path) as found:
        yield found


def environment(image: Image, host: str, base_image: str) -> EnvironmentSpec:
    """Return the specification of a service with another one beside it."""
    return EnvironmentSpec(
        KEY,
        host,
        image,
        port=8080,
        env={},
        command=SERVE,
        services=[ServiceSpec("beside", base_image, command=("sh", "-c", "sleep 600"))],
        memory="64m",
        health_path="/",
        health_timeout=60,
        labels=LABELS,
    )


@pytest.fixture
def spec(app_image: Image, instance: str, preview_domain: str, base_image: str) -> EnvironmentSpec:
    return environment(app_image, f"{instance}.{preview_domain}", base_image)


@pytest.fixture
def home(limited: Access, cluster: Access, instance: str) -> Iterator[str]:
    """Create a namespace as the bot does, and a volume for each Helm."""
    made = named("v1", "Namespace", instance)
    made["metadata"]["labels"] = {naming.LABEL_INSTANCE: instance}
    volumes = [volume(f"{instance}-{name}") for name in HELMS]
    try:
        limited.create(made)
        for item in volumes:
            cluster.create(item)
        yield instance
    finally:
        for item in (made, *volumes):
            cluster.remove(item)


def volume(name: str) -> Object:
    """Return a volume that is claimed but never used."""
    spec = {
        "accessModes": ["ReadWriteOnce"],
        "capacity": {"storage": "1Mi"},
        "hostPath": {"path": f"/{name}"},
    }
    return {**named("v1", "PersistentVolume", name), "spec": spec}


def helm_story(name: str, bot_kubeconfig: Path, namespace: str, image: str) -> None:
    """Install one object of each kind, upgrade to a few of them, uninstall."""
    helm_as_bot = partial(Chart(Path(shutil.which(name) or name)).do, kubeconfig=bot_kubeconfig)
    where = ("--namespace", namespace)
    for everything in (True, False):
        how = ("--install", "--atomic", "--wait", "--timeout", "300s")
        values = {"image": image, "all": everything, "volume": f"{namespace}-{name}"}
        helm_as_bot("upgrade", "app", str(EVERY_KIND), *where, *how, values=values)
    helm_as_bot("uninstall", "app", *where, "--wait")


async def runner_story(platform: KubernetesPlatform, spec: EnvironmentSpec, visit: Visit) -> None:
    """Deploy, deploy again, test and remove, checking the results."""
    log = FakeLog()
    await platform.deploy(spec, log)
    assert visit(spec.host).text == "at your service\n"
    await platform.deploy(replace(spec, services=()), log)
    command = f"echo started; echo '{REPORT}' > /reports/unit.xml"
    output = await platform.run_tests(
        TestSpec(KEY, "unit", spec.image.pinned, command, {}, "/reports", 60, "64m", LABELS), log
    )
    assert output.exit_code == 0, log.text
    assert "started" in log.text
    assert list(output.files.values()) == [REPORT.encode() + b"\n"]
    await platform.remove(KEY, ANYONE)


async def test_the_rights_are_enough_for_the_runner_and_each_helm_and_none_is_unused(  # noqa: PLR0917 - fixtures
    platform: KubernetesPlatform,
    spec: EnvironmentSpec,
    visit: Visit,
    own_kubeconfig: Path,
    home: str,
    base_image: str,
    chart: Chart,
    namespace: str,
    cluster: Access,
    instance: str,
) -> None:
    def helm_stories() -> None:
        for name in HELMS:
            helm_story(name, own_kubeconfig, home, base_image)

    helm = asyncio.create_task(asyncio.to_thread(helm_stories))
    try:
        await runner_story(platform, spec, visit)
    finally:
        await helm  # a thread cannot be cancelled, and must not outlive its account

    assert cluster.namespaces(f"{naming.LABEL_INSTANCE}={instance}") == [named("v1", "Namespace", home)]
    if AUDIT in os.environ:  # other clusters have no audit log for the tests
        granted = rights_in(one(chart.rights("any", namespace), "ClusterRole"))
        assert granted - used_in(Path(os.environ[AUDIT]), namespace) == set(USED_ELSEWHERE)


Right = tuple[str, str, str]
"""Verb, group, resource."""
USED_ELSEWHERE: list[Right] = [("list", "", "namespaces")]
"""Used by the sweep, which looks for orphaned environments."""


def rights_in(role: Object) -> set[Right]:
    """Return the rights of a role."""
    return {
        (verb, group, resource)
        for rule in role["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


def used_in(audit: Path, namespace: str) -> set[Right]:
    """Return the rights that the accounts of a namespace used successfully."""
    found: set[Right] = set()
    for line in audit.read_text().splitlines():
        event = json.loads(line)
        about, status = event.get("objectRef", {}), event.get("responseStatus", {}).get("code")
        if f":{namespace}:" not in event["user"]["username"] or status == HTTPStatus.FORBIDDEN:
            continue
        resource = "/".join(filter(None, (about.get("resource"), about.get("subresource"))))
        verbs = {event["verb"]} | ({"create"} if status == HTTPStatus.CREATED else set())
        found |= {(verb, about.get("apiGroup", ""), resource) for verb in verbs}
    return found


BEYOND = [
    # In other pods the bot could use their rights.
    *(("create", "", f"pods/{part}") for part in ("exec", "attach", "portforward", "proxy")),
    ("patch", "", "pods/ephemeralcontainers"),
    ("create", "", "pods"),
    ("create", "", "serviceaccounts/token"),
    # Rights to grant rights.
    *((verb, "rbac.authorization.k8s.io", "clusterroles") for verb in ("create", "bind", "escalate")),
    *(("create", "rbac.authorization.k8s.io", kind) for kind in ("rolebindings", "clusterrolebindings")),
    ("impersonate", "", "users"),
    ("create", "certificates.k8s.io", "certificatesigningrequests"),
    ("create", "admissionregistration.k8s.io", "mutatingwebhookconfigurations"),
    # The cluster itself.
    *((verb, "", "nodes") for verb in ("get", "list", "patch")),
    ("create", "", "nodes/proxy"),
    ("create", "", "persistentvolumes"),
    ("create", "apiextensions.k8s.io", "customresourcedefinitions"),
    ("create", "apps", "daemonsets"),
    # Guardrails stay until their namespace is deleted.
    ("delete", "", "resourcequotas"),
    ("delete", "", "limitranges"),
    ("delete", "networking.k8s.io", "networkpolicies"),
    ("deletecollection", "", "namespaces"),
    ("update", "", "namespaces/finalize"),
]


def test_nothing_else_is_allowed(limited: Access) -> None:
    assert limited.may("create", "", "namespaces")
    assert [each for each in BEYOND if limited.may(*each)] == []


def test_the_server_denies_nodes_and_bare_pods(limited: Access, namespace: str) -> None:
    with pytest.raises(ForbiddenError):
        limited.kind("v1", "Node").get()
    pod = {**named("v1", "Pod", "bare", namespace), "spec": {"containers": [{"name": "a", "image": "a"}]}}
    with pytest.raises(ForbiddenError):
        limited.create(pod)
