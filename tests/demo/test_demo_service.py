"""The image of the demo repository, built and run as by the bot: hardened and without internet access."""

import io
import tarfile
import time
import uuid
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import docker
import pytest
from docker.models.containers import Container

import playground
from tests.real.fixtures import sdk
from tests.real.parts import PATIENCE, build_image, remove_network

pytestmark = pytest.mark.docker

__all__ = ["sdk"]

DEMO = Path(playground.__file__).parent / "demo"
LABEL = "dev.gitee-chatops.test-demo"

Start = Callable[..., Container]


@pytest.fixture
def start(sdk: docker.DockerClient) -> Iterator[Start]:
    """Build a stage and start it hardened, without internet access; remove everything afterwards."""
    name = f"chatops-test-demo-{uuid.uuid4().hex[:8]}"
    with ExitStack() as left_behind:
        network = sdk.networks.create(name, internal=True, labels={LABEL: "1"})
        left_behind.callback(remove_network, network)

        def build_and_start(stage: str, alias: str, **options: Any) -> Container:
            tag = f"{name}:{stage}"
            image = build_image(
                sdk,
                path=str(DEMO),
                target=stage,
                tag=tag,
                buildargs={"COMMIT_SHA": "0123456789abcdef"},
                network_mode="none",
                labels={LABEL: "1"},
            )
            left_behind.callback(sdk.images.remove, tag, force=True)
            container = sdk.containers.create(
                image,
                hostname=alias,
                networking_config={name: sdk.api.create_endpoint_config(aliases=[alias])},
                network=name,
                read_only=True,
                cap_drop=["ALL"],
                security_opt=["no-new-privileges"],
                mem_limit="128m",
                tmpfs={"/tmp": ""},
                labels={LABEL: "1"},
                **options,
            )
            left_behind.callback(container.remove, force=True, v=True)
            container.start()
            return container

        yield build_and_start


def wait_until_healthy(container: Container) -> None:
    until = time.monotonic() + PATIENCE
    while container.health != "healthy":
        container.reload()
        assert container.status in {"created", "running"}, container.logs()
        assert time.monotonic() < until, container.attrs["State"]["Health"]


def report_of(container: Container) -> ET.Element:
    stream, _ = container.get_archive("/reports/junit.xml")
    with tarfile.open(fileobj=io.BytesIO(b"".join(stream))) as files:
        content = files.extractfile("junit.xml")
        assert content is not None
        return ET.fromstring(content.read())  # noqa: S314 - written by the demo's own pytest


def test_the_service_becomes_healthy_and_its_tests_pass(start: Start) -> None:
    service = start("runtime", "app")
    wait_until_healthy(service)
    tests = start("test", "tests", environment={"SERVICE_URL": "http://app:8080"})
    assert tests.wait()["StatusCode"] == 0, tests.logs().decode()
    suite = report_of(tests).find("testsuite")
    assert suite is not None
    assert int(suite.attrib["tests"]) >= 8
    assert (suite.attrib["failures"], suite.attrib["errors"], suite.attrib["skipped"]) == ("0", "0", "0")


def test_the_service_is_unprivileged_shows_its_commit_and_stops_on_a_signal(start: Start) -> None:
    service = start("runtime", "app")
    wait_until_healthy(service)
    ask = "import urllib.request as r; print(r.urlopen('http://127.0.0.1:8080/healthz').read().decode())"
    assert b'"commit": "0123456789abcdef"' in service.exec_run(["python3", "-c", ask]).output
    assert service.exec_run(["id", "-u"]).output == b"10001\n"
    service.stop(timeout=int(PATIENCE))
    assert service.wait()["StatusCode"] == 0
