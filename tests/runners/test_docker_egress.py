"""The way out of an environment, to servers in a network namespace of its own."""

import shlex
import subprocess
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from ipaddress import IPv4Address, IPv4Network

import pytest

from bot.model.egress import EgressRule
from bot.model.errors import GiveUp
from bot.model.reason import Reason
from bot.ports import EnvironmentSpec, ServiceSpec
from bot.runners.docker import egress
from bot.runners.docker.engine import DockerEngine
from bot.runners.docker.firewall import Mode, remove_rules
from bot.runners.docker.platform import DockerPlatform
from tests.real.team_network import TeamNetwork, team_network
from tests.runners.conftest import KEY, Stage

__all__ = ["team_network"]

pytestmark = [pytest.mark.docker, pytest.mark.attack]

METADATA = ("169.254.169.254", "169.254.170.2", "100.100.100.200")


@dataclass(frozen=True)
class WayOut:
    """A platform with a way out to one server, and a stage to look into its containers."""

    network: TeamNetwork
    stage: Stage
    engine: DockerEngine
    platform: DockerPlatform
    rule: EgressRule

    def spec(self, **changes: object) -> EnvironmentSpec:
        return self.stage.spec(egress=self.rule, **changes)

    def reaches(self, address: str, port: int = 7000, *, part: str = "app") -> bool:
        """Return whether a container reaches a server."""
        command = ["sh", "-c", f"timeout 3 nc {address} {port} </dev/null"]
        ended = self.stage.container(part).exec_run(command)
        return bool(ended.output == b"hello\n")


@pytest.fixture
async def way_out(stage: Stage, engine: DockerEngine, team_network: TeamNetwork) -> AsyncIterator[WayOut]:
    """Provide a platform whose environments may reach one server, in the place of the stage's own."""
    rule = EgressRule("team", ("*/*",), (f"{team_network.database}/32",))
    platform = DockerPlatform(engine, instance=stage.instance, egress=(rule,), drain=0)
    yield WayOut(team_network, stage, engine, platform, rule)
    await remove_rules(stage.instance)


async def test_a_service_reaches_what_it_may_and_nothing_else(way_out: WayOut) -> None:
    database = ServiceSpec("db", way_out.stage.tests_image, command=("sleep", "600"))
    await way_out.platform.deploy(way_out.spec(services=(database,)), way_out.stage.log)

    assert way_out.reaches(way_out.network.database)
    assert way_out.reaches(way_out.network.database, part="db")
    assert not way_out.reaches(way_out.network.resolver)
    assert not way_out.reaches(way_out.network.machine), "this machine"
    answer = way_out.stage.container("db").exec_run(["wget", "-qO-", "http://app:8080/"])
    assert answer.exit_code == 0, "containers of one environment reach each other"


async def test_names_of_the_teams_resolver_work_and_carry_nothing_elsewhere(way_out: WayOut) -> None:
    rule = replace(way_out.rule, resolvers=(way_out.network.resolver,))
    platform = DockerPlatform(way_out.engine, instance=way_out.stage.instance, egress=(rule,), drain=0)
    await platform.deploy(replace(way_out.spec(), egress=rule), way_out.stage.log)

    assert way_out.reaches("db.team")
    assert not way_out.reaches("www.team")
    assert not way_out.reaches(way_out.network.resolver), "only its port 53"
    suite = way_out.stage.suite('test "$(nc db.team 7000 </dev/null)" = hello')
    assert (await platform.run_tests(suite, way_out.stage.log)).exit_code == 0


async def test_what_has_no_way_out_reaches_nothing(way_out: WayOut) -> None:
    await way_out.platform.deploy(way_out.stage.spec(), way_out.stage.log)

    assert not way_out.reaches(way_out.network.database)


async def test_a_way_out_that_the_operator_takes_back_is_closed(way_out: WayOut) -> None:
    await way_out.platform.deploy(way_out.spec(), way_out.stage.log)
    assert way_out.reaches(way_out.network.database)
    other = replace(way_out.rule, cidrs=("198.51.100.0/24",))
    later = DockerPlatform(way_out.engine, instance=way_out.stage.instance, egress=(other,))

    assert await later.ways_out.ensure() is None

    assert not way_out.reaches(way_out.network.database)


@pytest.mark.parametrize("mode", ["auto", "off"])
async def test_ways_out_stay_closed_when_the_settings_have_none_any_more(way_out: WayOut, mode: Mode) -> None:
    await way_out.platform.deploy(way_out.spec(), way_out.stage.log)
    later = DockerPlatform(way_out.engine, instance=way_out.stage.instance, firewall=mode)

    await later.ways_out.remove_outdated()

    assert not way_out.reaches(way_out.network.database)
    assert not way_out.reaches(way_out.network.machine), "this machine"


async def test_a_rule_that_somebody_has_removed_comes_back_in_its_place(way_out: WayOut) -> None:
    await way_out.platform.deploy(way_out.spec(), way_out.stage.log)
    before = rules_of(way_out.stage.instance)
    for rule in before:
        iptables("-t", "mangle", "-D", *shlex.split(rule)[1:])
        assert await way_out.platform.ways_out.ensure() is None

        assert rules_of(way_out.stage.instance) == before
    assert way_out.reaches(way_out.network.database)
    assert not way_out.reaches(way_out.network.resolver)


def rules_of(instance: str) -> list[str]:
    """Return the rules for ways out in the order in which they are checked."""
    mine = f"-i {egress.bridges(instance)}"
    return [line for line in iptables("-t", "mangle", "-S").splitlines() if mine in line]


def iptables(*arguments: str) -> str:
    command = ("iptables", "-w", "5", *arguments)
    return subprocess.run(command, capture_output=True, check=True, text=True).stdout  # noqa: S603 - constants


async def test_a_container_with_a_way_out_does_not_start_with_the_machine(way_out: WayOut) -> None:
    await way_out.platform.deploy(way_out.spec(), way_out.stage.log)

    assert way_out.stage.container("app").attrs["HostConfig"]["RestartPolicy"]["Name"] == "on-failure"
    assert await way_out.platform.endpoint(KEY) is not None


@pytest.mark.parametrize("problem", ["off", "not root"])
async def test_without_rules_nothing_with_a_way_out_is_deployed(
    way_out: WayOut, monkeypatch: pytest.MonkeyPatch, problem: str
) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 0 if problem == "off" else 1000)
    mode: Mode = "off" if problem == "off" else "auto"
    platform = DockerPlatform(
        way_out.engine, instance=way_out.stage.instance, egress=(way_out.rule,), firewall=mode
    )

    with pytest.raises(GiveUp) as caught:
        await platform.deploy(way_out.spec(), way_out.stage.log)

    assert caught.value.reason is Reason.EGRESS_UNBOUNDED
    assert await platform.inventory() == ()


def test_metadata_services_stay_out_of_reach_whatever_is_allowed_in_whichever_order() -> None:
    everything = EgressRule("all", ("*/*",), ("0.0.0.0/0",))

    host, dropped, jump, *allowed = egress.egress_rules("bot", (everything,))

    assert host[0] == "INPUT"
    assert dropped[1][-1] == "DROP"
    assert jump[1][-1] == dropped[0]
    networks = [IPv4Network(options[options.index("-d") + 1]) for _, options in allowed]
    assert not any(IPv4Address(one) in network for one in METADATA for network in networks)
    assert sum(network.num_addresses for network in networks) == (1 << 32) - (1 << 16) - 1


def test_each_way_out_has_bridges_of_its_own_within_those_of_the_bot() -> None:
    one = EgressRule("a", (), ("10.0.0.0/8",))
    other = replace(one, resolvers=("192.0.2.53",))
    names = {egress.bridge_name("bot", rule, network) for rule in (one, other) for network in ("n", "m")}

    assert len(names) == 4
    assert all(len(name) == 15 and name.startswith(egress.bridges("bot")) for name in names)
    assert egress.bridges("bot") != egress.bridges("bot2")
