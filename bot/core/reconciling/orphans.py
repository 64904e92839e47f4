"""Garbage collection: which labeled resources have no owner. When in doubt, keep.

A store that was lost or restored from a backup does not know all that its bot has created. So what it does
not know is an orphan only if it would know it: if it has the run that the labels name.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.core.reconciling import ownership
from bot.model.environment import Environment, EnvironmentKey, EnvironmentState
from bot.model.forge import PullState, RepoPath
from bot.model.inventory import Item, ItemKind
from bot.model.observed import ObservedState
from bot.model.run import Run

Pull = tuple[RepoPath, int]

_IMAGES = {ItemKind.IMAGE, ItemKind.LAYER}
_LIVING = {ItemKind.CONTAINER, ItemKind.NAMESPACE}
"""What every deployed environment has at least one of."""
_PARTS = {*_LIVING, ItemKind.NETWORK}
_SKEW = timedelta(minutes=5)
"""How much the clock of a runner may differ from the bot's."""


@dataclass(frozen=True, slots=True)
class Owners:
    """What the store knows. It is read after the inventory, so an owner added in between is never missed."""

    environments: tuple[Environment, ...] = ()
    """Those that are not removed."""
    unfinished: tuple[Run, ...] = ()
    images: Collection[Pull] = ()
    """Pull requests with stored images."""
    observed: Mapping[Pull, ObservedState] = field(default_factory=dict)
    given_up: Collection[Pull] = ()
    """Closed or merged pull requests whose last teardown failed."""
    stores: Sequence[str] = ()
    """The store's identities, the present one first."""
    runs: Mapping[int, Run] = field(default_factory=dict)
    """The runs that items name, as far as the store has them; see `unexplained`."""
    lifetime: timedelta = timedelta(days=3)
    """Longest lifetime of an environment that nobody extends."""


def orphans(items: Iterable[Item], owners: Owners, now: datetime, age: timedelta) -> tuple[Item, ...]:
    """Return items without an owner that are old enough, in the order in which to remove them."""
    owned = _Owned(owners)
    found = [item for item in items if owned.free(item, now, age) and owned.removable(item, now)]
    return in_order(found)


def in_order(items: Iterable[Item]) -> tuple[Item, ...]:
    """Return items in the order in which they are removed."""
    order = list(ItemKind)
    return tuple(sorted(items, key=lambda item: order.index(item.kind)))


def adoptable(items: Iterable[Item], owners: Owners, now: datetime, age: timedelta) -> tuple[Item, ...]:
    """Return the parts of environments that the store does not know, although they may be this bot's."""
    owned, waited = _Owned(owners), max(age, ownership.LASTS)
    return tuple(item for item in items if owned.adoptable(item, now, waited))


def unexplained(items: Iterable[Item], environments: Iterable[Environment]) -> frozenset[int]:
    """Return the runs of items that no record of an environment explains."""
    explained = {(_folded(one.key), one.run) for one in environments}
    return frozenset(
        item.run for item in items if item.run and (_folded(item.key), item.run) not in explained
    )


def untagged(numbers: Iterable[Pull], owners: Owners, now: datetime, age: timedelta) -> tuple[Pull, ...]:
    """Return pull requests whose registry tags have no owner: they ended more than `age` ago.

    A registry does not say which bot pushed a tag. Tags of pull requests that this store does not know may
    belong to another bot, and are kept.
    """
    owned = _Owned(owners)
    return tuple(
        pull for pull in numbers if owned.over_since(pull, now - age) and not owned.holds_images(pull)
    )


def vanished(
    items: Iterable[Item], environments: Iterable[Environment], owners: Owners, now: datetime, age: timedelta
) -> tuple[Environment, ...]:
    """Return environments that the store calls deployed although the runner has nothing of them.

    Environments that are still starting although no run is left to start them count too. `environments` are
    those whose runner's inventory is known.
    """
    there = {_folded(item.key) for item in items if item.kind in _LIVING}
    owned = _Owned(owners)
    return tuple(
        environment
        for environment in environments
        if _aged(environment.deployed_at, now, age)
        and not owned.busy((environment.key.repo, environment.key.number))
        and _claims_too_much(environment, there)
    )


class _Owned:
    """Answers who owns what. Names of repositories are compared without regard to case, as Gitee does."""

    def __init__(self, owners: Owners) -> None:
        self._environments = {_folded(one.key): one for one in owners.environments}
        self._runs = {run.id for run in owners.unfinished}
        self._busy = {_pull(run.repo, run.number) for run in owners.unfinished}
        self._images = {_pull(*pull) for pull in owners.images}
        self._observed = {_pull(*pull): observed for pull, observed in owners.observed.items()}
        self._given_up = {_pull(*pull) for pull in owners.given_up}
        self._stores = owners.stores
        self._known = {**owners.runs, **{run.id: run for run in owners.unfinished}}
        self._lifetime = owners.lifetime

    def busy(self, pull: Pull) -> bool:
        return _pull(*pull) in self._busy

    def free(self, item: Item, now: datetime, age: timedelta) -> bool:
        """Whether an item is older than `age`, and no bot is known to own it.

        The bot of another store may not have said yet that it owns what it has just created.
        """
        own = item.store in {"", *self._stores}
        old = _aged(item.made_at, now, age if own else max(age, ownership.LASTS))
        return old and not ownership.foreign(item, self._stores, now) and not self.holds(item)

    def removable(self, item: Item, now: datetime) -> bool:
        """Whether a free item is of no use to a store that may have been lost or restored."""
        if self._created(item) or item.kind in {ItemKind.TESTS, ItemKind.LAYER}:
            return True
        pull = _pull(item.repo, item.number)
        if item.kind in {ItemKind.IMAGE, ItemKind.VOLUME}:
            over = self._is_over(pull) or pull in self._given_up
            return over or _aged(item.made_at, now, self._lifetime)
        environment = self._environments.get(_folded(item.key))
        return environment is not None and (environment.state.deployed or pull in self._given_up)

    def adoptable(self, item: Item, now: datetime, age: timedelta) -> bool:
        """Whether an item is a part of an environment that the store does not know as it is."""
        if item.kind not in _PARTS or self._created(item):
            return False
        if self.free(item, now, age):
            return not self.removable(item, now)
        return self._outdates(item) and _aged(item.made_at, now, age)

    def _outdates(self, item: Item) -> bool:
        """Whether a record is older than the item of its environment: it is from a backup."""
        environment = self._environments.get(_folded(item.key))
        return (
            environment is not None
            and environment.adopted is None
            and item.store in self._stores
            and item.run > environment.run
            and _pull(item.repo, item.number) not in self._busy
        )

    def holds(self, item: Item) -> bool:
        """Whether the item has an owner."""
        pull = _pull(item.repo, item.number)
        if item.kind is ItemKind.TESTS:
            return item.run in self._runs and item.store in {"", *self._stores}
        if pull in self._busy:
            return True
        if item.kind in _IMAGES:
            return item.kind is ItemKind.IMAGE and (self._is_open(pull) or self._holds_images(pull))
        environment = self._environments.get(_folded(item.key))
        if environment is None or pull in self._given_up:
            return False
        if item.keeps_data and item.store in {"", *self._stores}:
            return True
        return environment.state.deployed and self._deploys(environment, item)

    def _deploys(self, environment: Environment, item: Item) -> bool:
        """Whether the item is a part of an environment that is deployed."""
        if environment.adopted:
            return True
        # An earlier run can leave parts beside those of its successor, and a later one that has failed beside
        # those that it did not replace. What this store does not know may be something newer.
        newer = item.run > environment.run and not self._created(item)
        return item.store in {"", *self._stores} and (item.run in {0, environment.run} or newer)

    def _created(self, item: Item) -> bool:
        """Whether a run that the store has created an item, so that the store knows what became of it.

        A restored store gives out numbers again: the run is another one if it is younger than the item.
        """
        if item.store not in {"", *self._stores}:
            return False
        environment, run = self._environments.get(_folded(item.key)), self._known.get(item.run)
        if environment is not None and 0 < item.run == environment.run:
            return True
        return (
            run is not None
            and _pull(run.repo, run.number) == _pull(item.repo, item.number)
            and (item.made_at is None or run.created_at <= item.made_at + _SKEW)
        )

    def holds_images(self, pull: Pull) -> bool:
        """Whether images of a closed or merged pull request still have an owner."""
        return self._holds_images(_pull(*pull))

    def _holds_images(self, pull: tuple[str, int]) -> bool:
        return pull in self._busy or (pull in self._images and pull not in self._given_up)

    def over_since(self, pull: Pull, moment: datetime) -> bool:
        observed = self._observed.get(_pull(*pull))
        return observed is not None and observed.state in _OVER and observed.at <= moment

    def _is_over(self, pull: tuple[str, int]) -> bool:
        observed = self._observed.get(pull)
        return observed is not None and observed.state in _OVER

    def _is_open(self, pull: tuple[str, int]) -> bool:
        observed = self._observed.get(pull)
        return observed is not None and observed.state is PullState.OPEN


_OVER = {PullState.CLOSED, PullState.MERGED}


def _claims_too_much(environment: Environment, there: Collection[tuple[str, int, str]]) -> bool:
    if environment.state is EnvironmentState.STARTING:
        return True
    return environment.state.deployed and _folded(environment.key) not in there


def _aged(moment: datetime | None, now: datetime, age: timedelta) -> bool:
    return moment is not None and moment <= now - age


def _pull(repo: RepoPath, number: int) -> tuple[str, int]:
    return str(repo).lower(), number


def _folded(key: EnvironmentKey) -> tuple[str, int, str]:
    return str(key.repo).lower(), key.number, key.name
