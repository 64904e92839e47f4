"""Which environments may reach which networks outside."""

import pytest

from bot.core.admission.egress import reachable, way_out
from bot.model.egress import EgressRule
from bot.model.forge import RepoPath

STAGING = EgressRule("staging", ("shop/*", "!shop/old"), ("10.2.0.0/16",), ("staging", "qa-*"))
EVERYWHERE = EgressRule("everywhere", ("shop/*",), ("10.3.0.0/16",))


@pytest.mark.attack
@pytest.mark.parametrize(
    ("repo", "environment", "found"),
    [
        ("shop/web", "staging", STAGING),
        ("Shop/Web", "qa-1", STAGING),
        ("shop/web", "preview", EVERYWHERE),
        ("shop/web", "Staging", EVERYWHERE),
        ("shop/old", "staging", EVERYWHERE),
        ("other/web", "staging", None),
        ("shop-2/web", "staging", None),
    ],
)
def test_the_first_rule_for_repository_and_environment_decides(
    repo: str, environment: str, found: EgressRule | None
) -> None:
    path = RepoPath.parse(repo)
    assert way_out((STAGING, EVERYWHERE), path, environment, trusted=True) == found
    assert way_out((STAGING, EVERYWHERE), path, environment, trusted=False) is None


def test_without_rules_nothing_is_reached() -> None:
    assert way_out((), RepoPath("shop", "web"), "staging", trusted=True) is None


@pytest.mark.attack
@pytest.mark.parametrize(
    ("cidr", "found"),
    [
        ("10.2.0.0/16", ("10.2.0.0/16",)),
        ("100.100.100.200/32", ()),
        ("169.254.169.254/32", ()),
        ("169.254.0.0/16", ()),
        ("169.254.0.0/15", ("169.255.0.0/16",)),
        ("100.100.100.200/30", ("100.100.100.201/32", "100.100.100.202/31")),
    ],
)
def test_metadata_services_are_in_no_network_that_can_be_reached(cidr: str, found: tuple[str, ...]) -> None:
    assert reachable([cidr]) == found
