"""What containers with hostile code can reach and use, with a real engine."""

import asyncio
import ipaddress
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from bot.core.naming import LABEL_INSTANCE
from bot.model.environment import EnvironmentKey
from bot.model.errors import RetryLater
from bot.ports import ServiceSpec
from bot.runners.docker.engine import DockerEngine
from bot.runners.docker.firewall import Mode
from bot.runners.docker.platform import DockerPlatform
from tests.real.parts import PATIENCE
from tests.runners.conftest import KEY, Stage

pytestmark = pytest.mark.docker

NO_CAPABILITIES = "0000000000000000"
OF_AN_ENTRY_POINT = "00000000000000cb"
"""CHOWN, DAC_OVERRIDE, FOWNER, SETGID and SETUID, as bits."""


async def inside(stage: Stage, script: str, part: str = "app") -> tuple[int, str]:
    """Run a shell script in a container and return its code and output."""
    result: Any = await asyncio.to_thread(stage.container(part).exec_run, ["sh", "-c", script])
    return result.exit_code, result.output.decode()


def networks(stage: Stage) -> Iterator[dict[str, Any]]:
    """Return the engine's information about the environment's networks."""
    for network in stage.networks:
        yield stage.sdk.networks.get(network).attrs


def subnet(network: dict[str, Any]) -> ipaddress.IPv4Network:
    """Return the addresses of a network."""
    return ipaddress.IPv4Network(network["IPAM"]["Config"][0]["Subnet"])


@asynccontextmanager
async def port_of_the_host() -> AsyncIterator[int]:
    """Listen on a port of all addresses of this machine."""
    server = await asyncio.start_server(lambda _, writer: writer.close(), "0.0.0.0", 0)  # noqa: S104 - to be attacked
    async with server:
        yield server.sockets[0].getsockname()[1]


async def reaches_the_host(stage: Stage, seconds: float) -> bool:
    """Try for this long to connect to a port of the machine from inside a container."""
    gateway = subnet(next(networks(stage)))[1]
    async with port_of_the_host() as port:
        code, _ = await inside(stage, f"nc -w {seconds:.0f} {gateway} {port} </dev/null")
    return code == 0


@pytest.mark.attack
async def test_container_has_every_limit(stage: Stage) -> None:
    await stage.platform.deploy(stage.spec(memory="32m", trusted=False), stage.log)

    host = stage.container("app").attrs["HostConfig"]
    assert host["Memory"] == host["MemorySwap"] == 32 << 20
    assert host["NanoCpus"] == 1_000_000_000
    assert host["PidsLimit"] == 512
    assert host["Ulimits"] == [{"Name": "core", "Soft": 1, "Hard": 1}]
    assert host["ReadonlyRootfs"] is True
    assert host["CapDrop"] == ["ALL"]
    assert host["SecurityOpt"] == ["no-new-privileges"]
    assert host["Init"] is True
    assert host["LogConfig"]["Config"] == {"max-size": "10m", "max-file": "1"}
    assert not host["Privileged"]
    assert not host["PortBindings"]
    assert not host["Binds"]


async def status_of(stage: Stage) -> dict[str, str]:
    """Return what the kernel says of a process in the preview."""
    _, status = await inside(stage, "cat /proc/self/status")
    return dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)


@pytest.mark.attack
@pytest.mark.parametrize("why", [{"trusted": False}, {"restricted": True}], ids=["outsider", "repository"])
async def test_a_restricted_service_can_write_to_tmp_only_and_has_no_capabilities(
    stage: Stage, why: dict[str, bool]
) -> None:
    await stage.platform.deploy(stage.spec(**why), stage.log)

    status = await status_of(stage)

    assert (await inside(stage, "touch /etc/x"))[0] != 0
    assert (await inside(stage, "touch /tmp/x"))[0] == 0
    assert status["CapEff"] == status["CapBnd"] == NO_CAPABILITIES
    assert status["NoNewPrivs"] == "1"


@pytest.mark.attack
async def test_an_ordinary_service_may_write_and_change_user_but_no_more(stage: Stage) -> None:
    await stage.platform.deploy(stage.spec(), stage.log)

    status = await status_of(stage)

    assert (await inside(stage, "mkdir /data && chown 1000:1000 /data && stat -c %u /data"))[1] == "1000\n"
    assert status["CapEff"] == status["CapBnd"] == OF_AN_ENTRY_POINT
    assert status["NoNewPrivs"] == "1"
    assert (await inside(stage, "mknod /dev/x c 1 3"))[0] != 0


@pytest.mark.attack
async def test_additional_services_may_write_and_change_user(stage: Stage) -> None:
    script = "mkdir -p /var/data && chown 1000:1000 /var/data && exec sleep 999"
    database = ServiceSpec("db", stage.tests_image, command=("sh", "-c", script))

    await stage.platform.deploy(stage.spec(services=[database]), stage.log)

    assert (await inside(stage, "stat -c %u /var/data", "db"))[1] == "1000\n"
    assert stage.container("db").attrs["HostConfig"]["CapDrop"] == ["ALL"]
    assert (await inside(stage, "mknod /dev/x c 1 3", "db"))[0] != 0


@pytest.mark.attack
async def test_previews_have_no_internet_access(stage: Stage) -> None:
    await stage.platform.deploy(stage.spec(), stage.log)

    assert next(networks(stage))["Internal"] is True
    assert (await inside(stage, "cat /proc/net/if_inet6"))[1] == ""
    assert stage.container("app").attrs["HostConfig"]["Dns"] == ["127.0.0.1"]


@pytest.mark.parametrize(("mode", "reachable"), [("off", True), ("auto", False), ("required", False)])
async def test_the_firewall_blocks_ports_of_the_host(
    stage: Stage, engine: DockerEngine, mode: Mode, *, reachable: bool
) -> None:
    stage.platform = DockerPlatform(engine, instance=stage.instance, firewall=mode)
    await stage.platform.deploy(stage.spec(), stage.log)

    # A closed port never answers, so a longer timeout makes no difference.
    assert await reaches_the_host(stage, PATIENCE if reachable else 2) is reachable
    assert stage.log.notes == []


@pytest.mark.attack
async def test_environments_do_not_reach_each_other(stage: Stage) -> None:
    other = replace(KEY, name="staging")
    endpoint = await stage.platform.deploy(stage.spec(), stage.log)
    await stage.platform.deploy(stage.spec(key=other), stage.log)

    staging = next(found for found in stage.containers if found.labels["chatops.environment"] == "staging")
    code, _ = await asyncio.to_thread(
        staging.exec_run, ["sh", "-c", f"nc -w 2 {endpoint.host} {endpoint.port} </dev/null"]
    )

    assert code != 0


async def test_a_failure_to_set_the_firewall_is_reported(
    stage: Stage, engine: DockerEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    required = DockerPlatform(engine, instance=stage.instance, firewall="required")

    await stage.platform.deploy(stage.spec(), stage.log)
    with pytest.raises(RetryLater):
        await required.deploy(stage.spec(), stage.log)

    assert stage.platform.firewall.problem == "only root may set firewall rules"
    assert "only root" in stage.log.notes[0]
    assert await stage.platform.ping() is None
    assert await required.ping() == "only root may set firewall rules"


async def test_concurrent_environments_get_separate_networks(stage: Stage, engine: DockerEngine) -> None:
    # A small pool, so that the networks compete; used only by this test.
    pool = f"10.230.{int(stage.instance[-2:], 16)}.0/24"
    platform = DockerPlatform(engine, instance=stage.instance, pool=pool)
    keys = [EnvironmentKey(KEY.repo, number, "preview") for number in range(1, 7)]

    endpoints = await asyncio.gather(*(platform.deploy(stage.spec(key=key), stage.log) for key in keys))

    assert len({endpoint.host for endpoint in endpoints}) == len(keys)
    assert len({subnet(one) for one in networks(stage)}) == len(keys)


async def test_an_exhausted_address_pool_is_retried_later(stage: Stage, engine: DockerEngine) -> None:
    # No other network uses the subnet that the engine assigns to this one.
    stage.sdk.networks.create(stage.instance, internal=True, labels={LABEL_INSTANCE: stage.instance})
    [pool] = map(subnet, networks(stage))
    platform = DockerPlatform(engine, instance=stage.instance, pool=str(pool))

    with pytest.raises(RetryLater) as caught:
        await platform.deploy(stage.spec(), stage.log)

    assert caught.value.facts == {"message": f"no free subnet in {pool}"}


@pytest.mark.attack
@pytest.mark.parametrize("why", [{"trusted": False}, {"restricted": True}], ids=["outsider", "repository"])
async def test_a_service_from_an_image_of_the_commit_is_restricted_as_the_deployed_one(
    stage: Stage, why: dict[str, bool]
) -> None:
    worker = ServiceSpec("worker", stage.image.pinned, command=("sleep", "999"), built=True)
    foreign = ServiceSpec("db", stage.tests_image, command=("sleep", "999"))

    await stage.platform.deploy(stage.spec(services=[worker, foreign], **why), stage.log)

    assert (await inside(stage, "touch /etc/x", "worker"))[0] != 0
    host = stage.container("worker").attrs["HostConfig"]
    assert (host["ReadonlyRootfs"], host["CapDrop"], host["CapAdd"]) == (True, ["ALL"], [])
    assert (await inside(stage, "touch /etc/x", "db"))[0] == 0


async def test_a_service_from_an_image_of_a_trusted_commit_may_write(stage: Stage) -> None:
    worker = ServiceSpec("worker", stage.image.pinned, command=("sleep", "999"), built=True)

    await stage.platform.deploy(stage.spec(services=[worker]), stage.log)

    assert (await inside(stage, "touch /etc/x", "worker"))[0] == 0
