from ipaddress import IPv4Network
from itertools import islice

from hypothesis import given
from hypothesis import strategies as st

from bot.runners.docker.network import Network, bridge_name, bridge_prefix, free_subnets

POOL = IPv4Network("10.231.0.0/24")


@given(st.sets(st.integers(0, 15)), st.text())
def test_each_free_subnet_is_offered_once(taken: set[int], seed: str) -> None:
    subnets = list(POOL.subnets(new_prefix=28))

    offered = list(free_subnets(POOL, [subnets[index] for index in taken], seed))

    assert sorted(offered) == [subnet for index, subnet in enumerate(subnets) if index not in taken]


def test_overlapping_larger_networks_are_avoided() -> None:
    others = [IPv4Network("10.231.0.0/25"), IPv4Network("192.168.0.0/16")]

    assert all(subnet.subnet_of(IPv4Network("10.231.0.128/25")) for subnet in free_subnets(POOL, others, "a"))
    assert list(free_subnets(POOL, [IPv4Network("10.0.0.0/8")], "a")) == []


def test_two_environments_start_at_different_subnets() -> None:
    large = IPv4Network("10.231.0.0/16")

    assert next(free_subnets(large, [], "one")) == next(free_subnets(large, [], "one"))
    assert next(free_subnets(large, [], "one")) != next(free_subnets(large, [], "two"))


def test_a_pool_smaller_than_a_subnet_is_used_as_a_whole() -> None:
    small = IPv4Network("10.231.0.0/29")

    assert list(islice(free_subnets(small, [], ""), 3)) == [small]


@given(st.text(), st.text())
def test_bridges_of_one_bot_share_a_prefix_and_fit(instance: str, name: str) -> None:
    bridge = bridge_name(instance, name)

    assert bridge.startswith(bridge_prefix(instance))
    assert len(bridge) <= 15


def test_service_gets_the_last_address() -> None:
    assert Network("id", "n", IPv4Network("10.231.0.16/28")).address == "10.231.0.30"
