"""Fixtures for a cluster: the one that `make test-cluster` starts, or the one of KUBECONFIG.

CHATOPS_TEST_INGRESS is the address of its Ingress controller, CHATOPS_TEST_DOMAIN a domain that resolves to
it, CHATOPS_TEST_MACHINE this machine's address as pods reach it.
"""

import contextlib
import os
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

import docker
import docker.errors
import httpx
import pytest

from bot.core.naming import LABEL_INSTANCE
from bot.model.run import Image
from tests.cluster.access import Access, Object, access, named, wait_until
from tests.cluster.account import bot_account
from tests.cluster.chart import Chart
from tests.cluster.previews import previews
from tests.cluster.rollout_clock import time_out_after
from tests.cluster.visit import Visit
from tests.real.fixtures import app_image, base_image, log, registry, sdk

__all__ = ["app_image", "base_image", "log", "previews", "registry", "sdk", "time_out_after"]

AUDIT = "CHATOPS_TEST_AUDIT"
"""Path of our own cluster's audit log; other clusters have none for the tests."""
POD_NAMESPACE = "io.kubernetes.pod.namespace"


@pytest.fixture(scope="session")
def kubeconfig() -> Path:
    """Return the administrator's kubeconfig."""
    if not (path := os.environ.get("KUBECONFIG")):
        pytest.fail("No cluster. Run `make test-cluster`, or set KUBECONFIG.", pytrace=False)
    return Path(path)


@pytest.fixture(scope="session")
def helm() -> Path:
    """Return the Helm that the bot finds."""
    if not (path := shutil.which("helm")):
        pytest.fail("No helm on PATH. Run `make test-cluster`, which fetches one.", pytrace=False)
    return Path(path)


@pytest.fixture(scope="session")
def cluster(kubeconfig: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Access]:
    """Give access to the cluster as its administrator."""
    with access(kubeconfig, tmp_path_factory.mktemp("cluster")) as found:
        yield found


@pytest.fixture
def tidy_node(cluster: Access, sdk: docker.DockerClient) -> Iterator[None]:
    """Remove the containers that our own node keeps for some seconds after a pod: they hold the images."""
    yield
    _tidy(cluster, sdk)


def _tidy(cluster: Access, sdk: docker.DockerClient) -> None:
    if AUDIT not in os.environ:
        return
    # In this order, because another test may be creating a namespace with pods at this moment.
    containers = sdk.api.containers(all=True, filters={"label": POD_NAMESPACE})
    living = {item.metadata.name for item in cluster.kind("v1", "Namespace").get().items}
    for found in containers:
        if found["Labels"][POD_NAMESPACE] not in living:
            with contextlib.suppress(docker.errors.APIError):  # the node removed it first
                sdk.api.remove_container(found["Id"], force=True)


@pytest.fixture
def namespace(cluster: Access, tidy_node: None) -> Iterator[str]:
    """Create a namespace for this test and remove it afterwards."""
    item = named("v1", "Namespace", f"test-{uuid.uuid4().hex[:12]}")
    try:
        cluster.create(item)
        # Pods are rejected before a controller has created their service account.
        account = named("v1", "ServiceAccount", "default", item["metadata"]["name"])
        wait_until(lambda: cluster.exists(account), "the namespace's account")
        yield item["metadata"]["name"]
    finally:
        cluster.remove(item)


@pytest.fixture(scope="session")
def terminating(cluster: Access, sdk: docker.DockerClient, app_image: Image) -> Iterator[list[Object]]:
    """Collect namespaces whose deletion was requested, and wait for all of them once, at the end.

    A namespace takes 6 to 14 s to go, which no test needs to wait for. The images are requested before, so
    that they are removed after the pods that use them.
    """
    del app_image
    found: list[Object] = []
    yield found
    try:
        for item in found:
            cluster.until_gone(item)
    finally:
        _tidy(cluster, sdk)


@pytest.fixture
def instance(cluster: Access, terminating: list[Object]) -> Iterator[str]:
    """Name a bot of this test's own; its namespaces are deleted, whatever the test did."""
    name = f"test-{uuid.uuid4().hex[:12]}"
    yield name
    for item in cluster.namespaces(f"{LABEL_INSTANCE}={name}"):
        cluster.delete(item)
        terminating.append(item)


@pytest.fixture(scope="session")
def ingress() -> str:
    """Return the address of the Ingress controller, such as `http://172.17.0.1`."""
    if not (address := os.environ.get("CHATOPS_TEST_INGRESS")):
        pytest.fail("Where is the cluster's ingress? Set CHATOPS_TEST_INGRESS.", pytrace=False)
    return address


@pytest.fixture(scope="session")
def preview_domain() -> str:
    """Return the domain whose names all resolve to the ingress, also in pods."""
    return os.environ.get("CHATOPS_TEST_DOMAIN", "preview.test")


@pytest.fixture(scope="session")
def machine() -> str:
    """Return this machine's address as pods reach it."""
    if not (address := os.environ.get("CHATOPS_TEST_MACHINE")):
        pytest.fail("How do pods reach this machine? Set CHATOPS_TEST_MACHINE.", pytrace=False)
    return address


@pytest.fixture
def visit(ingress: str) -> Iterator[Visit]:
    """Give a visitor whose DNS resolves the domain."""
    # The controller closes kept-alive connections whenever it reloads its routes.
    afresh = httpx.Limits(max_keepalive_connections=0)
    with httpx.Client(base_url=ingress, timeout=30, limits=afresh) as client:
        yield Visit(client)


@pytest.fixture(scope="session")
def chart(helm: Path) -> Chart:
    """Return the bot's own chart, rendered by the Helm that the bot finds."""
    return Chart(helm)


@pytest.fixture(scope="session")
def bot_kubeconfig(cluster: Access, chart: Chart, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Write the kubeconfig of a service account with exactly the rights that the chart gives the bot.

    All tests of a worker share it: it holds rights and no state.
    """
    item = named("v1", "Namespace", f"test-{uuid.uuid4().hex[:12]}")
    cluster.create(item)
    try:
        with bot_account(
            cluster, chart, item["metadata"]["name"], tmp_path_factory.mktemp("account")
        ) as found:
            yield found
    finally:
        cluster.remove(item)
