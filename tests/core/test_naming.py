import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core import naming
from bot.model.environment import EnvironmentKey
from bot.model.forge import RepoPath

SHOP = EnvironmentKey(RepoPath("acme", "shop"), 12, "preview")
STAGING = replace(SHOP, name="staging")
DNS_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?")
REPOSITORY = re.compile(r"[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*")
DOCKER_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]+")

some_keys = st.builds(
    EnvironmentKey,
    st.builds(RepoPath, st.text(min_size=1), st.text(min_size=1, max_size=200)),
    st.integers(1, 10**7),
    st.sampled_from(["preview", "staging", "a" * 40]),
)


def test_names_of_the_common_case() -> None:
    assert naming.host_label(SHOP) == "pr-12-shop"
    assert naming.host_label(STAGING) == "pr-12-shop-staging"
    assert naming.tag(12, "1a2b3c4d5e6f") == "pr-12-1a2b3c4d"
    assert (naming.cache_tag(None), naming.cache_tag(12)) == ("buildcache", "pr-12-buildcache")
    assert naming.repository("previews", SHOP.repo) == "previews/acme/shop"
    assert naming.repository("", RepoPath("Acme", "My_Shop.API")) == "acme/my_shop.api"
    assert naming.repository("previews", SHOP.repo, "api") == "previews/acme/shop/api"
    assert re.fullmatch(r"chatops-pr-12-shop-[0-9a-f]{6}-app", naming.container(SHOP, "app"))
    assert re.fullmatch(r"chatops-pr-12-shop-[0-9a-f]{6}-net", naming.network(SHOP))


def test_deployments_of_two_runs_have_different_names() -> None:
    stack = naming.stack(SHOP)
    assert naming.container(SHOP, "app", run=41) == f"{stack}-r41-app"
    assert naming.network(SHOP, run=41) == f"{stack}-r41-net"
    for name in (f"{stack}-r41-app", f"{stack}-app", "app"):
        assert naming.part(name, SHOP, run=41) == "app"
    assert naming.part(f"{stack}-tests-unit", SHOP, run=41) == "tests-unit"


def test_names_never_change_between_releases() -> None:
    assert naming.stack(SHOP) == "chatops-pr-12-shop-c8fc89"
    assert naming.slug("我的店") == "repo-71fcd0"


def test_a_qualified_host_distinguishes_owners() -> None:
    other = replace(SHOP, repo=RepoPath("mei", "shop"))

    assert naming.host_label(SHOP) == naming.host_label(other)
    assert naming.host_label(SHOP, qualified=True) != naming.host_label(other, qualified=True)
    assert naming.host_label(SHOP, qualified=True).startswith("pr-12-shop-")


def test_a_slug_replaces_unsupported_characters_by_a_hash() -> None:
    names = ["my-shop", "my_shop", "my.shop", "my--shop", "-my-shop", "我的店", "你的店", "x" * 41, "x" * 42]

    assert len({naming.slug(name) for name in names}) == len(names)
    assert naming.slug("Shop") == naming.slug("shop") == "shop"


def test_tags_of_pull_requests_do_not_overlap() -> None:
    assert naming.tag(1, "a" * 40).startswith(naming.tag_prefix(1))
    assert not naming.tag(12, "a" * 40).startswith(naming.tag_prefix(1))


@given(some_keys, st.booleans())
def test_hosts_are_valid_dns_labels_for_any_repository(key: EnvironmentKey, qualified: bool) -> None:  # noqa: FBT001 - drawn
    label = naming.host_label(key, qualified=qualified)

    assert len(label) <= 55
    assert DNS_LABEL.fullmatch(label)
    assert naming.environment_label(label) == label


@given(some_keys)
def test_names_are_valid_for_any_repository(key: EnvironmentKey) -> None:
    assert DOCKER_NAME.fullmatch(naming.container(key, "app"))
    assert REPOSITORY.fullmatch(naming.repository("p", key.repo))
    assert len(naming.repository("p", key.repo)) <= 255


@given(some_keys, some_keys)
def test_two_environments_never_share_a_name(one: EnvironmentKey, other: EnvironmentKey) -> None:
    same = (str(one.repo).lower(), one.number, one.name) == (
        str(other.repo).lower(),
        other.number,
        other.name,
    )

    assert (naming.stack(one) == naming.stack(other)) is same


def test_two_bots_on_one_engine_do_not_share_names() -> None:
    assert naming.network(SHOP, "a") != naming.network(SHOP, "b")


def test_labels_contain_all_fields_except_empty_ones() -> None:
    assert naming.labels(STAGING, sha="1a2b", run=42, attempt=1, instance="main") == {
        "chatops.repo": "acme/shop",
        "chatops.number": "12",
        "chatops.environment": "staging",
        "chatops.sha": "1a2b",
        "chatops.run": "42",
        "chatops.attempt": "1",
        "chatops.instance": "main",
    }
    assert naming.labels(replace(SHOP, name=""), sha="1a2b", run=42).keys() == {
        "chatops.repo",
        "chatops.number",
        "chatops.sha",
        "chatops.run",
        "chatops.attempt",
    }


def test_a_namespace_name_is_readable_and_unique() -> None:
    assert re.fullmatch(r"pr-12-shop-[0-9a-f]{10}", naming.namespace(SHOP, "pr"))
    assert re.fullmatch(r"pr-12-shop-staging-[0-9a-f]{10}", naming.namespace(STAGING, "pr"))
    others = [SHOP, STAGING, replace(SHOP, repo=RepoPath("mei", "shop")), replace(SHOP, number=1)]
    named = {
        naming.namespace(key, "pr", bot, second=second)
        for key in others
        for bot in ("", "other")
        for second in (False, True)
    }
    assert len(named) == 4 * len(others)


@given(some_keys)
def test_a_namespace_is_a_valid_label_for_any_repository(key: EnvironmentKey) -> None:
    name = naming.namespace(key, "p" * 20)

    assert DNS_LABEL.fullmatch(name)
    assert len(name) <= 63
    assert re.fullmatch(r"[0-9a-f]{40}", naming.identity(key))


@given(st.integers(1, 10**8), st.text("0123456789abcdef", min_size=40, max_size=40))
def test_a_tag_identifies_its_pull_request(number: int, sha: str) -> None:
    assert naming.tagged(naming.tag(number, sha)) == number
    assert naming.tagged(f"{naming.tag(number, sha)}-test") == number


@pytest.mark.parametrize(
    "tag", ["v1.0", "pr-12", "pr-0-1a2b", "pr-x-1a2b", "my-pr-1-1a2b", "pr-1234567890-a", "pr-١-a"]
)
def test_other_tags_identify_no_pull_request(tag: str) -> None:
    assert naming.tagged(tag) is None


def test_kept_data_is_named_after_environment_service_and_path() -> None:
    found = naming.volume(SHOP, "db", "/d")
    assert re.fullmatch(r"chatops-pr-12-shop-[0-9a-f]{40}-data-db-[0-9a-f]{6}", found)
    others = [(SHOP, "db", "/d"), (STAGING, "db", "/d"), (SHOP, "api", "/d"), (SHOP, "db", "/e")]
    named = {naming.volume(*one, bot) for one in others for bot in ("", "other")}
    assert len(named) == 2 * len(others)


@pytest.mark.attack
def test_nobody_finds_an_environment_whose_data_has_the_name_of_another() -> None:
    one = EnvironmentKey(RepoPath("attacker", "shop"), 12, "e17768653")
    other = EnvironmentKey(RepoPath("victim", "shop"), 12, "preview")
    assert naming.stack(one) == naming.stack(other)  # Found by trying, in seconds.
    assert naming.volume(one, "db", "/data") != naming.volume(other, "db", "/data")
