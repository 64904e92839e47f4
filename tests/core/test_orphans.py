"""Which resources have an owner and which are orphans."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.reconciling.orphans import Owners, orphans, untagged, vanished
from bot.model.delivery import Trigger
from bot.model.environment import Environment, EnvironmentKey, EnvironmentState
from bot.model.forge import PullState, RepoPath
from bot.model.inventory import Item, ItemKind
from bot.model.observed import ObservedState
from bot.model.plan import Plan
from bot.model.run import Origin, Run
from bot.model.text import Language

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
AGE = timedelta(minutes=10)
OLD = NOW - timedelta(hours=1)
SHOP, SHOUTED = RepoPath("team", "shop"), RepoPath("Team", "SHOP")
KEY = EnvironmentKey(SHOP, 12, "preview")
PULL = (SHOP, 12)
READY, STARTING, FAILED = EnvironmentState.READY, EnvironmentState.STARTING, EnvironmentState.FAILED


def item(kind: ItemKind, *, run: int = 7, repo: RepoPath = SHOP, made_at: datetime | None = OLD) -> Item:
    return Item(kind, "id", "name", repo, 12, "preview", run, made_at)


def environment(state: EnvironmentState = READY, deployed_at: datetime = OLD) -> Environment:
    return Environment(KEY, "pr-12-shop", "a" * 40, state, 7, deployed_at, NOW)


def run(number: int = 7, repo: RepoPath = SHOP) -> Run:
    return Run(number, repo, 12, "a" * 40, Plan(()), Origin(Trigger.OPEN, ""), Language.ZH, OLD)


def sighted(state: PullState, at: datetime = OLD) -> dict[tuple[RepoPath, int], ObservedState]:
    return {PULL: ObservedState(at, "a" * 40, state)}


def removes(owners: Owners, *items: Item) -> tuple[ItemKind, ...]:
    return tuple(found.kind for found in orphans(items, owners, NOW, AGE))


PARTS = (ItemKind.CONTAINER, ItemKind.NETWORK, ItemKind.NAMESPACE)
ALL = tuple(ItemKind)


@pytest.mark.parametrize("kind", ALL)
def test_unknown_resources_are_orphans(kind: ItemKind) -> None:
    assert removes(Owners(), item(kind)) == (kind,)


@pytest.mark.parametrize("kind", ALL)
@pytest.mark.parametrize("made_at", [None, NOW, NOW - AGE + timedelta(seconds=1)])
def test_resources_that_are_new_or_of_unknown_age_are_kept(kind: ItemKind, made_at: datetime | None) -> None:
    assert removes(Owners(), item(kind, made_at=made_at)) == ()


@pytest.mark.parametrize("kind", ALL)
def test_an_unfinished_run_owns_its_resources(kind: ItemKind) -> None:
    assert removes(Owners(unfinished=(run(),)), item(kind, repo=SHOUTED)) == ()


@pytest.mark.parametrize("kind", [ItemKind.CONTAINER, ItemKind.NETWORK, ItemKind.NAMESPACE])
def test_parts_of_an_earlier_run_beside_a_deployed_environment_are_orphans(kind: ItemKind) -> None:
    owners = Owners(environments=(environment(),))
    assert removes(owners, item(kind, run=6)) == (kind,)
    assert removes(owners, item(kind, run=0), item(kind, run=8)) == (), "unknown, or of a store that was lost"
    assert removes(replace(owners, unfinished=(run(8),)), item(kind, run=6)) == ()


def test_a_suite_belongs_only_to_its_run() -> None:
    assert removes(Owners(unfinished=(run(8),)), item(ItemKind.TESTS)) == (ItemKind.TESTS,)
    assert removes(Owners(environments=(environment(),)), item(ItemKind.TESTS)) == (ItemKind.TESTS,)


@pytest.mark.parametrize("kind", PARTS)
def test_an_existing_environment_owns_its_parts(kind: ItemKind) -> None:
    assert removes(Owners(environments=(environment(),)), item(kind)) == ()
    other = replace(item(kind), environment="staging")
    assert removes(Owners(environments=(environment(),)), other) == (kind,)


@pytest.mark.parametrize("kind", PARTS)
@pytest.mark.parametrize("state", [STARTING, FAILED])
def test_an_abandoned_environment_owns_nothing(kind: ItemKind, state: EnvironmentState) -> None:
    assert removes(Owners(environments=(environment(state),)), item(kind)) == (kind,)


@pytest.mark.parametrize("kind", PARTS)
def test_resources_left_by_a_failed_teardown_are_orphans(kind: ItemKind) -> None:
    assert removes(Owners(environments=(environment(),), given_up=(PULL,)), item(kind)) == (kind,)


def test_images_belong_to_a_pull_request_that_is_open_or_has_images_on_record() -> None:
    image = item(ItemKind.IMAGE)
    assert removes(Owners(observed=sighted(PullState.OPEN)), image) == ()
    assert removes(Owners(images=(PULL,)), image) == ()
    assert removes(Owners(images=(PULL,), given_up=(PULL,)), image) == (ItemKind.IMAGE,)
    assert removes(Owners(observed=sighted(PullState.MERGED)), image) == (ItemKind.IMAGE,)


def test_image_layers_left_by_a_build_are_orphans() -> None:
    owners = Owners(observed=sighted(PullState.OPEN), images=(PULL,))
    assert removes(owners, item(ItemKind.LAYER)) == (ItemKind.LAYER,)


def test_tags_are_orphans_if_the_pull_request_is_closed_and_has_no_image_on_record() -> None:
    over = sighted(PullState.CLOSED)
    assert untagged([PULL], Owners(observed=over), NOW, AGE) == (PULL,)
    assert untagged([(SHOUTED, 12)], Owners(observed=over), NOW, AGE) == ((SHOUTED, 12),)
    assert untagged([PULL], Owners(observed=over, images=(PULL,), given_up=(PULL,)), NOW, AGE) == (PULL,)


@pytest.mark.parametrize(
    "owners",
    [
        Owners(),
        Owners(observed=sighted(PullState.OPEN)),
        Owners(observed=sighted(PullState.CLOSED, NOW)),
        Owners(observed=sighted(PullState.CLOSED), images=(PULL,)),
        Owners(observed=sighted(PullState.CLOSED), unfinished=(run(),)),
    ],
    ids=["unknown", "open", "a moment ago", "remembered", "busy"],
)
def test_tags_are_kept_in_doubt(owners: Owners) -> None:
    assert untagged([PULL], owners, NOW, AGE) == ()


def gone(
    environments: Sequence[Environment],
    *items: Item,
    owners: Owners = Owners(),  # noqa: B008 - frozen
) -> tuple[Environment, ...]:
    return vanished(items, environments, owners, NOW, AGE)


def test_an_environment_without_resources_has_vanished() -> None:
    ready = environment()
    assert gone([ready]) == (ready,)
    assert gone([ready], item(ItemKind.NETWORK), item(ItemKind.TESTS)) == (ready,)
    assert gone([ready], item(ItemKind.CONTAINER, repo=SHOUTED)) == ()
    assert gone([ready], item(ItemKind.NAMESPACE)) == ()


def test_a_starting_environment_without_a_run_has_vanished() -> None:
    starting = environment(STARTING)
    assert gone([starting], item(ItemKind.CONTAINER)) == (starting,)
    assert gone([starting], owners=Owners(unfinished=(run(),))) == ()
    assert gone([environment(STARTING, NOW)]) == ()
    assert gone([environment(FAILED)]) == ()


kinds = st.sampled_from(ItemKind)
moments = st.none() | st.sampled_from([NOW, OLD])
items = st.lists(st.builds(item, kinds, run=st.integers(0, 9), made_at=moments), max_size=8)
environments = st.lists(
    st.sampled_from([environment(), environment(STARTING), environment(FAILED)]), max_size=1
)
owners = st.builds(
    lambda found, runs, state: Owners(tuple(found), tuple(runs), observed=sighted(state)),
    environments,
    st.lists(st.sampled_from([run(7), run(8)]), max_size=2),
    st.sampled_from(PullState),
)


@given(items, owners)
def test_no_resource_in_use_is_an_orphan(found: list[Item], whose: Owners) -> None:
    removed = orphans(found, whose, NOW, AGE)
    assert set(removed) <= set(found)
    assert [list(ItemKind).index(one.kind) for one in removed] == sorted(
        list(ItemKind).index(one.kind) for one in removed
    )
    for one in removed:
        assert one.made_at is not None
        assert one.made_at <= NOW - AGE
        if whose.unfinished:
            assert one.kind is ItemKind.TESTS
            assert one.run not in {each.id for each in whose.unfinished}
