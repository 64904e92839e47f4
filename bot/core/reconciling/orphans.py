"""Garbage collection: which labeled resources have no owner. When in doubt, keep."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.model.environment import Environment, EnvironmentKey, EnvironmentState
from bot.model.forge import PullState, RepoPath
from bot.model.inventory import Item, ItemKind
from bot.model.observed import ObservedState
from bot.model.run import Run

Pull = tuple[RepoPath, int]

_IMAGES = {ItemKind.IMAGE, ItemKind.LAYER}
_LIVING = {ItemKind.CONTAINER, ItemKind.NAMESPACE}
"""What every deployed environment has at least one of."""


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


def orphans(items: Iterable[Item], owners: Owners, now: datetime, age: timedelta) -> tuple[Item, ...]:
    """Return items without an owner that are older than `age`, in the order in which to remove them."""
    owned = _Owned(owners)
    found = [item for item in items if _aged(item.made_at, now, age) and not owned.holds(item)]
    order = list(ItemKind)
    return tuple(sorted(found, key=lambda item: order.index(item.kind)))


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

    def busy(self, pull: Pull) -> bool:
        return _pull(*pull) in self._busy

    def holds(self, item: Item) -> bool:
        """Whether the item has an owner."""
        pull = _pull(item.repo, item.number)
        if item.kind is ItemKind.TESTS:
            return item.run in self._runs
        if pull in self._busy:
            return True
        if item.kind in _IMAGES:
            return item.kind is ItemKind.IMAGE and (self._is_open(pull) or self._holds_images(pull))
        environment = self._environments.get(_folded(item.key))
        if environment is None or pull in self._given_up:
            return False
        # A replica that had lost its lease can leave parts beside those that its successor has deployed.
        return environment.state.deployed and not 0 < item.run < environment.run

    def holds_images(self, pull: Pull) -> bool:
        """Whether images of a closed or merged pull request still have an owner."""
        return self._holds_images(_pull(*pull))

    def _holds_images(self, pull: tuple[str, int]) -> bool:
        return pull in self._busy or (pull in self._images and pull not in self._given_up)

    def over_since(self, pull: Pull, moment: datetime) -> bool:
        observed = self._observed.get(_pull(*pull))
        return observed is not None and observed.state in _OVER and observed.at <= moment

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
