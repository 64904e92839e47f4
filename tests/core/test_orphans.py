"""Which resources have an owner and which are orphans."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.reconciling.orphans import Owners, adoptable, orphans, unexplained, untagged, vanished
from bot.model.delivery import Trigger
from bot.model.environment import Environment, EnvironmentKey, EnvironmentState
from bot.model.forge import PullState, RepoPath
from bot.model.holder import Holder
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


MINE, LOST = "mine4567", "lost4567"


def item(kind: ItemKind, *, run: int = 7, repo: RepoPath = SHOP, made_at: datetime | None = OLD) -> Item:
    return Item(kind, "id", "name", repo, 12, "preview", run, made_at, store=MINE)


def environment(state: EnvironmentState = READY, deployed_at: datetime = OLD) -> Environment:
    return Environment(KEY, "pr-12-shop", "a" * 40, state, 7, deployed_at, NOW)


def run(number: int = 7, repo: RepoPath = SHOP) -> Run:
    return Run(number, repo, 12, "a" * 40, Plan(()), Origin(Trigger.OPEN, ""), Language.ZH, OLD)


def sighted(state: PullState, at: datetime = OLD) -> dict[tuple[RepoPath, int], ObservedState]:
    return {PULL: ObservedState(at, "a" * 40, state)}


RUNS = {number: run(number) for number in (6, 7, 8)}


def complete(owners: Owners) -> Owners:
    """Return the owners as a store knows them that has never been lost."""
    return replace(owners, stores=(MINE,), runs=RUNS)


def removes(owners: Owners, *items: Item) -> tuple[ItemKind, ...]:
    assert adoptable(items, complete(owners), NOW, AGE) == ()
    return tuple(found.kind for found in orphans(items, complete(owners), NOW, AGE))


PARTS = (ItemKind.CONTAINER, ItemKind.NETWORK, ItemKind.NAMESPACE)
ALL = tuple(ItemKind)
EXPIRING = {ItemKind.IMAGE, ItemKind.VOLUME}
"""What is no part of a deployment: nobody adopts it."""


@pytest.mark.parametrize("kind", ALL)
def test_resources_of_a_known_run_without_a_record_are_orphans(kind: ItemKind) -> None:
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
    assert removes(owners, item(kind, run=0)) == (), "unknown"
    assert removes(replace(owners, unfinished=(run(8),)), item(kind, run=6)) == ()


@pytest.mark.parametrize("kind", [ItemKind.CONTAINER, ItemKind.NETWORK])
def test_parts_of_a_later_run_that_has_failed_beside_a_deployed_environment_are_orphans(
    kind: ItemKind,
) -> None:
    owners = complete(Owners(environments=(environment(),)))
    later = item(kind, run=8)
    assert orphans([item(kind), later], owners, NOW, AGE) == (later,)
    assert orphans([later], replace(owners, unfinished=(run(8),)), NOW, AGE) == ()
    assert orphans([item(kind, run=9)], owners, NOW, AGE) == (), "this store does not know what it deployed"


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


LIFETIME = timedelta(days=3)
WAITED = NOW - timedelta(minutes=15)


def split(owners: Owners, *items: Item) -> tuple[set[ItemKind], set[ItemKind]]:
    """Return what is removed, and what is adopted if possible."""
    removed, adopted = orphans(items, owners, NOW, AGE), adoptable(items, owners, NOW, AGE)
    assert not set(removed) & set(adopted)
    return {one.kind for one in removed}, {one.kind for one in adopted}


def lost(kind: ItemKind, **changes: Any) -> Item:
    return replace(item(kind), **{"store": LOST, **changes})


@pytest.mark.parametrize("store", ["", MINE, LOST])
@pytest.mark.parametrize("kind", PARTS)
def test_a_young_store_adopts_environments_that_it_does_not_know(kind: ItemKind, store: str) -> None:
    young = Owners(stores=(MINE,))
    assert split(young, lost(kind, store=store)) == (set(), {kind})
    assert split(young, lost(kind, store=store, made_at=WAITED)) == (set(), {kind})
    assert split(young, lost(kind, store=store, made_at=WAITED + timedelta(seconds=1))) == (set(), set())
    assert split(replace(young, unfinished=(run(9),)), lost(kind, store=store)) == (set(), set()), "busy"


@pytest.mark.parametrize(
    "stored",
    [
        run(7, RepoPath("team", "other")),
        replace(run(7), number=13),
        replace(run(7), created_at=OLD + timedelta(minutes=6)),
    ],
    ids=["repository", "number", "younger"],
)
@pytest.mark.parametrize("kind", PARTS)
def test_a_restored_store_adopts_parts_of_runs_whose_numbers_it_has_given_out_again(
    kind: ItemKind, stored: Run
) -> None:
    assert split(Owners(stores=(MINE,), runs={7: stored}), item(kind)) == (set(), {kind})


@pytest.mark.parametrize("kind", PARTS)
def test_a_record_from_a_backup_is_replaced_by_what_was_deployed_later(kind: ItemKind) -> None:
    restored = Owners((environment(),), stores=("new45678", MINE), runs={7: run()})
    assert split(restored, item(kind, run=57)) == (set(), {kind})
    assert split(restored, item(kind, run=57, made_at=NOW - AGE)) == (set(), set())
    assert split(replace(restored, unfinished=(run(9),)), item(kind, run=57)) == (set(), set())
    adopted = replace(environment(), run=0, adopted=Holder(57, 0, MINE))
    assert split(replace(restored, environments=(adopted,)), item(kind, run=57)) == (set(), set())


@pytest.mark.parametrize("state", [STARTING, FAILED])
@pytest.mark.parametrize("kind", PARTS)
def test_a_failed_record_does_not_keep_an_environment_from_being_adopted(
    kind: ItemKind, state: EnvironmentState
) -> None:
    assert split(Owners((environment(state),), stores=(MINE,)), lost(kind)) == (set(), {kind})


@pytest.mark.parametrize("kind", PARTS)
def test_what_an_adopted_environment_replaced_or_was_replaced_by(kind: ItemKind) -> None:
    adopted = replace(environment(), run=0, adopted=Holder(57, 0, LOST))
    assert split(Owners((adopted,), stores=(MINE,)), lost(kind, run=57)) == (set(), set())
    deployed_again = Owners((environment(),), stores=(MINE,))
    assert split(deployed_again, lost(kind, run=57)) == ({kind}, set())


@pytest.mark.parametrize("kind", [ItemKind.TESTS, ItemKind.LAYER])
def test_suites_and_layers_of_a_lost_store_are_orphans(kind: ItemKind) -> None:
    assert split(Owners(stores=(MINE,)), lost(kind)) == ({kind}, set())
    namesake = Owners(unfinished=(run(7),), stores=(MINE,))
    assert split(namesake, lost(kind)) == (({kind}, set()) if kind is ItemKind.TESTS else (set(), set()))


@pytest.mark.parametrize("kind", [ItemKind.TESTS, ItemKind.LAYER])
def test_what_another_store_created_is_kept_until_its_bot_has_had_time_to_say_so(kind: ItemKind) -> None:
    short = timedelta(seconds=30)
    for owners in (Owners(stores=(MINE,)), complete(Owners())):
        waiting, waited = (lost(kind, made_at=moment) for moment in (WAITED + timedelta(seconds=1), WAITED))
        assert orphans([waiting, waited], owners, NOW, short) == (waited,)
        own = [lost(kind, store=store, made_at=NOW - short) for store in (MINE, "")]
        assert orphans(own, owners, NOW, short) == tuple(own), "only others have to say so"
        assert orphans([waited], owners, NOW, timedelta(hours=1)) == (), "younger than `age`"


def test_images_of_a_lost_store_are_kept_until_they_expire_or_their_pull_request_is_over() -> None:
    young, image = Owners(stores=(MINE,), lifetime=LIFETIME), lost(ItemKind.IMAGE)
    assert split(young, image) == (set(), set())
    assert split(young, replace(image, made_at=NOW - LIFETIME)) == ({ItemKind.IMAGE}, set())
    assert split(replace(young, observed=sighted(PullState.CLOSED)), image) == ({ItemKind.IMAGE}, set())
    assert split(replace(young, observed=sighted(PullState.OPEN)), image) == (set(), set())


@pytest.mark.parametrize("kind", ALL)
@pytest.mark.parametrize("store", ["", MINE, LOST])
def test_what_another_bot_owns_is_left_alone_until_its_word_expires(kind: ItemKind, store: str) -> None:
    owned = lost(kind, store=store, owned_by=LOST, owned_until=NOW + timedelta(seconds=1))
    for owners in (Owners(stores=(MINE,)), complete(Owners()), complete(Owners((environment(FAILED),)))):
        assert split(owners, owned) == (set(), set())
        assert split(owners, replace(owned, owned_until=NOW)) != (set(), set()) or kind in EXPIRING
        assert split(owners, owned) == (set(), set())
    own = replace(owned, owned_by="older456")
    assert split(Owners(stores=(MINE, "older456")), own) != (set(), set()) or kind in EXPIRING


def test_runs_are_looked_up_for_items_that_no_record_explains() -> None:
    found = [item(ItemKind.CONTAINER), item(ItemKind.NETWORK, run=6), item(ItemKind.IMAGE, run=0)]
    assert unexplained(found, [environment()]) == {6}
    assert unexplained(found, []) == {6, 7}


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
    removed = orphans(found, complete(whose), NOW, AGE)
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


DATA = replace(item(ItemKind.VOLUME, run=6), keeps_data=True)


@pytest.mark.parametrize("state", [state for state in EnvironmentState if state != "removed"])
def test_kept_data_belongs_to_its_environment_even_after_a_failure(
    state: EnvironmentState,
) -> None:
    owners = Owners(environments=(environment(state),))
    assert removes(owners, DATA, replace(item(ItemKind.NAMESPACE), keeps_data=True)) == ()


def test_kept_data_goes_with_its_environment() -> None:
    assert removes(Owners(), DATA) == (ItemKind.VOLUME,)
    owners = Owners(environments=(environment(),), given_up=(PULL,))
    assert removes(owners, DATA) == (ItemKind.VOLUME,)


def test_kept_data_of_another_bot_is_not_that_of_an_environment_with_the_same_name() -> None:
    """Its bot says that it owns it, or is gone: then it goes once nobody can want it."""
    owners = complete(Owners(environments=(environment(),), lifetime=timedelta(days=3)))
    foreign = replace(DATA, store="other567", made_at=NOW - timedelta(days=3))
    assert orphans([foreign], owners, NOW, AGE) == (foreign,)
    assert orphans([replace(foreign, made_at=NOW - timedelta(days=2))], owners, NOW, AGE) == ()
    owned = replace(foreign, owned_by="other567", owned_until=NOW + timedelta(seconds=1))
    assert orphans([owned], owners, NOW, AGE) == ()


def test_kept_data_of_a_lost_store_goes_when_nobody_can_want_it() -> None:
    young = Owners(stores=(MINE,), lifetime=timedelta(days=3))
    lost = replace(DATA, store="", run=90)
    assert orphans([lost], young, NOW, AGE) == ()
    assert orphans([replace(lost, made_at=NOW - timedelta(days=3))], young, NOW, AGE) != ()
    assert orphans([lost], replace(young, observed=sighted(PullState.MERGED)), NOW, AGE) == (lost,)
