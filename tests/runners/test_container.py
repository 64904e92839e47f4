from dataclasses import replace

import pytest

from bot.core.naming import LABEL_NUMBER, LABEL_REPO, LABEL_RUN
from bot.model.inventory import ItemKind
from bot.runners.docker import labels
from bot.runners.docker.container import (
    ContainerKind,
    ContainerLimits,
    ContainerSpec,
    Restricted,
    allowed_memory,
    configuration,
)
from bot.runners.docker.images import exposed_ports, name_and_tag
from bot.runners.docker.inventory import image_item

GIGABYTE = 1 << 30
IMAGE_LABELS = {LABEL_REPO: "team/shop", LABEL_NUMBER: "12", LABEL_RUN: "7"}


def spec(kind: ContainerKind) -> ContainerSpec:
    return ContainerSpec(
        kind=kind,
        alias="db",
        image="postgres:16",
        network="n",
        memory="1g",
        labels={"a": "b"},
        env={"K": "a=b\nc"},
        address="10.0.0.14" if kind is ContainerKind.APP else None,
    )


@pytest.mark.parametrize("kind", list(ContainerKind))
def test_each_kind_of_container_gets_only_the_rights_it_needs(kind: ContainerKind) -> None:
    host = configuration(spec(kind), ContainerLimits())["HostConfig"]

    assert host["CapDrop"] == ["ALL"]
    assert host["SecurityOpt"] == ["no-new-privileges"]
    assert host["NetworkMode"] == "n"
    assert host["Dns"] == ["127.0.0.1"]
    assert host["Memory"] == host["MemorySwap"] == GIGABYTE
    assert not {"Binds", "Privileged", "PortBindings", "Devices", "PidMode"} & host.keys()
    assert bool(host["CapAdd"]) is (kind is not ContainerKind.TESTS)
    assert host["ReadonlyRootfs"] is False


def test_a_restricted_container_has_no_capabilities_and_writes_nowhere() -> None:
    restricted = replace(spec(ContainerKind.APP), restricted=True)

    host = configuration(restricted, ContainerLimits())["HostConfig"]

    assert (host["CapDrop"], host["CapAdd"], host["ReadonlyRootfs"]) == (["ALL"], [], True)


@pytest.mark.parametrize(
    ("whose", "trusted", "untrusted"),
    [("none", False, False), ("untrusted", False, True), ("all", True, True)],
)
def test_the_operator_says_whose_previews_are_restricted(
    whose: Restricted, *, trusted: bool, untrusted: bool
) -> None:
    limits = ContainerLimits(restricted=whose)

    assert limits.restrict(trusted=True) is trusted
    assert limits.restrict(trusted=False) is untrusted


def test_outside_contributors_are_restricted_unless_the_operator_says_otherwise() -> None:
    assert ContainerLimits().restricted == "untrusted"


def test_environment_and_address_are_passed_unchanged() -> None:
    made = configuration(spec(ContainerKind.APP), ContainerLimits())

    assert made["Env"] == ["K=a=b\nc"]
    assert made["Labels"] == {"a": "b"}
    endpoint = made["NetworkingConfig"]["EndpointsConfig"]["n"]
    assert endpoint == {"Aliases": ["db"], "IPAMConfig": {"IPv4Address": "10.0.0.14"}}
    assert "Cmd" not in made
    assert "Entrypoint" not in made


@pytest.mark.parametrize(("asked", "given"), [(None, 1.5), (0.5, 0.5), (1.5, 1.5), (64.0, 1.5)])
def test_cpus_are_within_the_limit_of_the_operator(asked: float | None, given: float) -> None:
    tests = replace(spec(ContainerKind.TESTS), cpus=asked)

    host = configuration(tests, ContainerLimits(cpus=1.5))["HostConfig"]

    assert host["NanoCpus"] == given * 1e9


@pytest.mark.parametrize(
    ("asked", "allowed"),
    [("512m", GIGABYTE // 2), ("8g", 2 * GIGABYTE), ("1k", 6 << 20), ("100000000", 100_000_000)],
)
def test_memory_is_within_the_limits_of_engine_and_operator(asked: str, allowed: int) -> None:
    assert allowed_memory(asked, "2g") == allowed


@pytest.mark.parametrize("text", ["", "x", "-1", "65536", "9" * 5000, "８０８０", "80 "])
def test_a_label_of_an_image_that_is_no_port_is_none(text: str) -> None:
    assert labels.port({labels.LABEL_PORT: text}) == 0


def test_a_port_is_read_from_its_label() -> None:
    assert labels.port({labels.LABEL_PORT: "8080"}) == 8080
    assert labels.port({}) == 0


@pytest.mark.attack
@pytest.mark.parametrize("number", ["0", "x", "1٢", "9" * 10, "9" * 5000])
def test_an_image_whose_labels_name_no_pull_request_is_not_listed(number: str) -> None:
    assert (
        image_item(ItemKind.IMAGE, {"Id": "1", "Labels": {LABEL_REPO: "team/shop", LABEL_NUMBER: number}})
        is None
    )


@pytest.mark.attack
@pytest.mark.parametrize("created", [-62167219200, 1 << 62, -(1 << 62), "0000-01-01T00:00:00Z", None])
def test_an_image_that_was_made_in_no_year_has_an_unknown_age(created: object) -> None:
    found = image_item(ItemKind.LAYER, {"Id": "1", "Labels": IMAGE_LABELS, "Created": created})
    assert found is not None
    assert (found.run, found.made_at) == (7, None)


def test_ports_are_tcp_only_and_sorted() -> None:
    exposed: dict[str, object] = {"9000/tcp": {}, "53/udp": {}, "80/tcp": {}, "x/tcp": {}, "443": {}}

    assert exposed_ports({"Config": {"ExposedPorts": exposed}}) == (80, 443, 9000)
    assert exposed_ports({"Config": {}}) == exposed_ports({"Config": None}) == ()


def test_references_are_split_at_the_tag_and_not_at_the_port() -> None:
    assert name_and_tag("host:5000/a/b:1") == ("host:5000/a/b", "1")
    assert name_and_tag("host:5000/a/b") == ("host:5000/a/b", "latest")
    assert name_and_tag("a@sha256:00") == ("a", "sha256:00")
