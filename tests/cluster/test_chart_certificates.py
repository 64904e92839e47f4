"""The chart's certificates on a real cluster: new ones at each upgrade would end the builds."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.cluster.access import Access, named
from tests.cluster.chart import ENOUGH, FOLDER, Chart

RELEASE = "bot"
SECRET, DEPLOYMENT = ("v1", "Secret"), ("apps/v1", "Deployment")
NAME = "bot-gitee-chatops-buildkit"


@pytest.fixture
def uninstalled(chart: Chart, namespace: str) -> Iterator[None]:
    yield
    chart.run("uninstall", RELEASE, "--namespace", namespace)


def installed(chart: Chart, cluster: Access, namespace: str, kind: tuple[str, str]) -> dict[str, Any]:
    """Install or upgrade the chart, and return the object of buildkitd of a kind."""
    values = {**ENOUGH, "rbac": {"create": False}, "buildkit": {"enabled": True, "image": "absent.invalid/x"}}
    chart.do("upgrade", "--install", RELEASE, str(FOLDER), "--namespace", namespace, values=values)
    found: dict[str, Any] = cluster.get(named(*kind, NAME, namespace)).to_dict()
    return found


@pytest.mark.usefixtures("uninstalled")
def test_an_upgrade_keeps_the_certificates_and_the_daemon(
    chart: Chart, cluster: Access, namespace: str
) -> None:
    before = installed(chart, cluster, namespace, SECRET)["data"]
    assert len(before) == 5
    template = installed(chart, cluster, namespace, DEPLOYMENT)["spec"]["template"]
    assert installed(chart, cluster, namespace, SECRET)["data"] == before
    # The same template: the pod goes on, with its cache.
    assert installed(chart, cluster, namespace, DEPLOYMENT)["spec"]["template"] == template
    cluster.delete(named(*SECRET, NAME, namespace))
    assert installed(chart, cluster, namespace, SECRET)["data"]["ca.pem"] != before["ca.pem"]
