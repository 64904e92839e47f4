"""When the test cluster's node may be started: never beside a kubelet on the same engine."""

from typing import Any

import docker
import pytest
from machine import SetUpError

from tests.cluster.local.node import check_alone
from tests.cluster.local.programs import PAUSE


class Api:
    """An engine that runs pods whose sandboxes have these images."""

    def __init__(self, images: list[str]) -> None:
        self._images = images

    def containers(self, filters: dict[str, list[str]]) -> list[dict[str, str]]:
        assert "io.kubernetes.docker.type=podsandbox" in filters["label"]
        return [{"Image": image} for image in self._images]


def engine(*images: str) -> Any:
    client = docker.DockerClient.__new__(docker.DockerClient)
    client.api = Api([*images])  # type: ignore[assignment] # all that is asked
    return client


def test_pods_of_another_kubernetes_are_not_touched() -> None:
    with pytest.raises(SetUpError, match="KUBECONFIG"):
        check_alone(engine(PAUSE, "registry.k8s.io/pause:3.9"), busy=False)


def test_another_cluster_of_ours_is_not_disturbed() -> None:
    with pytest.raises(SetUpError, match="running already"):
        check_alone(engine(PAUSE), busy=True)


def test_what_a_killed_node_left_is_no_hindrance() -> None:
    check_alone(engine(PAUSE), busy=False)
    check_alone(engine(), busy=False)
