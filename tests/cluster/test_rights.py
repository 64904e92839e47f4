"""The rights that the chart gives: enough for all that the bot does in a cluster, and nothing beyond."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from kubernetes.dynamic.exceptions import ForbiddenError

from bot.core import naming
from bot.model.environment import EnvironmentKey
from bot.model.forge import RepoPath
from bot.model.run import Image
from bot.ports import EnvironmentSpec, ServiceSpec, TestSpec
from bot.runners.kubernetes.cluster import Access as Door
from bot.runners.kubernetes.cluster import Cluster
from bot.runners.kubernetes.options import Options, Routing
from bot.runners.kubernetes.platform import KubernetesPlatform
from tests.cluster.access import Access, access, named
from tests.cluster.conftest import Visit
from tests.real.parts import Recorder

SHA = "1a2b3c4d" * 5
KEY = EnvironmentKey(RepoPath("team", "shop"), 12, "preview")
LABELS = naming.labels(KEY, sha=SHA, run=7)
REPORT = '<testsuite name="unit" tests="1"><testcase classname="a" name="b"/></testsuite>'
SERVE = ("httpd", "-f", "-p", "8080", "-h", "/www")
USER = 10001


@pytest.fixture
async def platform(
    bot_kubeconfig: Path, instance: str, ingress: str, base_image: str
) -> AsyncIterator[KubernetesPlatform]:
    """Give the runner the chart's rights and no others."""
    async with Cluster(Door(bot_kubeconfig)) as cluster:
        routing = Routing(address=ingress)
        yield KubernetesPlatform(
            cluster, Options(instance, routing=routing, run_as_user=USER, collector=base_image)
        )


@pytest.fixture
def limited(bot_kubeconfig: Path, tmp_path: Path) -> Iterator[Access]:
    """Show the cluster as the bot sees it."""
    with access(bot_kubeconfig, tmp_path) as door:
        yield door


def environment(image: Image, host: str, base_image: str) -> EnvironmentSpec:
    """Describe a service with another beside it."""
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


async def test_they_are_enough_to_deploy_test_and_remove(  # noqa: PLR0917 - fixtures are asked for by name
    platform: KubernetesPlatform,
    cluster: Access,
    instance: str,
    app_image: Image,
    base_image: str,
    preview_domain: str,
    visit: Visit,
) -> None:
    host, log = f"{instance}.{preview_domain}", Recorder()
    await platform.deploy(environment(app_image, host, base_image), log)
    assert visit(host).text == "at your service\n"
    command = f"echo started; echo '{REPORT}' > /reports/unit.xml"
    output = await platform.run_tests(
        TestSpec(KEY, "unit", app_image.pinned, command, {}, "/reports", 60, "64m", LABELS), log
    )
    assert output.exit_code == 0, log.text
    assert "started" in log.text
    assert list(output.files.values()) == [REPORT.encode() + b"\n"]
    await platform.remove(KEY)
    assert cluster.namespaces(f"{naming.LABEL_INSTANCE}={instance}") == []


def asks(limited: Access, verb: str, group: str, resource: str) -> bool:
    """Ask the server whether the bot may do that."""
    name, _, part = resource.partition("/")
    attributes = {"verb": verb, "group": group, "resource": name, "subresource": part}
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": attributes},
    }
    answer = limited.kind("authorization.k8s.io/v1", "SelfSubjectAccessReview").create(body=review)
    return bool(answer.status.allowed)


BEYOND = [
    # Inside a pod of others it could do what they may.
    *(("create", "", f"pods/{part}") for part in ("exec", "attach", "portforward", "proxy")),
    ("patch", "", "pods/ephemeralcontainers"),
    ("create", "", "pods"),
    ("create", "", "serviceaccounts/token"),
    # Rights that make rights.
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
    # Fences stay until their namespace goes.
    ("delete", "", "resourcequotas"),
    ("delete", "", "limitranges"),
    ("delete", "networking.k8s.io", "networkpolicies"),
    ("deletecollection", "", "namespaces"),
    ("update", "", "namespaces/finalize"),
]


def test_they_stop_there(limited: Access) -> None:
    assert asks(limited, "create", "", "namespaces")
    assert [each for each in BEYOND if asks(limited, *each)] == []


def test_the_server_answers_403(limited: Access, namespace: str) -> None:
    with pytest.raises(ForbiddenError):
        limited.kind("v1", "Node").get()
    pod = {**named("v1", "Pod", "bare", namespace), "spec": {"containers": [{"name": "a", "image": "a"}]}}
    with pytest.raises(ForbiddenError):
        limited.create(pod)
