"""When the node of the test cluster may start: never beside another kubelet on the same engine."""

import socket
from pathlib import Path
from typing import Any

import docker
import pytest
from machine import SetUpError

from tests.cluster.local import node, programs
from tests.cluster.local.node import check_alone
from tests.cluster.local.programs import PAUSE, Layout
from tests.real.ports import free_port


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


def test_a_node_does_not_start_beside_pods_of_another_kubernetes() -> None:
    with pytest.raises(SetUpError, match="KUBECONFIG"):
        check_alone(engine(PAUSE, "registry.k8s.io/pause:3.9"), busy=False)


def test_a_node_does_not_start_beside_another_test_cluster() -> None:
    with pytest.raises(SetUpError, match="already running"):
        check_alone(engine(PAUSE), busy=True)


@pytest.mark.parametrize("part", ["API server", "etcd", "peers"])
def test_a_node_does_not_start_while_a_part_of_another_cluster_uses_its_port(
    part: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as left:
        port = left.getsockname()[1]
        mine = {name: free_port() for name in ("API server", "etcd", "peers")} | {part: port}
        monkeypatch.setattr(programs, "API_PORT", mine["API server"])
        monkeypatch.setattr(programs, "ETCD", f"http://127.0.0.1:{mine['etcd']}")
        monkeypatch.setattr(programs, "ETCD_PEER", f"http://127.0.0.1:{mine['peers']}")
        monkeypatch.setattr(node, "down", lambda _: None)
        layout = Layout(tmp_path, tmp_path, "127.0.0.1", "unix:///nowhere", "cgroupfs")
        monkeypatch.setattr(node, "_layout", lambda *_: layout)

        with pytest.raises(SetUpError, match="a part of one"):
            node.up(engine(), tmp_path)


def test_a_node_starts_beside_pods_of_a_killed_node() -> None:
    check_alone(engine(PAUSE), busy=False)
    check_alone(engine(), busy=False)


def test_the_logs_of_a_node_whose_tests_failed_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(node, "STATE", tmp_path / "cluster")
    monkeypatch.setattr(node, "LOGS", tmp_path / "kept")
    (tmp_path / "cluster").mkdir()
    (tmp_path / "cluster/kubelet.log").write_text("no space left")
    for _ in range(2):
        kept = node.keep_logs()
        assert {file.name: file.read_text() for file in kept.iterdir()} == {"kubelet.log": "no space left"}
