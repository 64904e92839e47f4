"""The two namespaces of an environment: the next deployment starts beside the one that answers. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bot.core.runs.fencing import holder_of, same_run
from bot.model.holder import Holder
from bot.runners.kubernetes.pure.cluster_labels import LABEL_ROLE

STARTING = "starting"
"""Role label of a namespace whose deployment has not taken over yet."""


@dataclass(frozen=True, slots=True)
class Slot:
    """A namespace of an environment that exists."""

    name: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str] = field(default_factory=dict)

    @property
    def starting(self) -> bool:
        """Whether its deployment has not taken over yet."""
        return self.labels.get(LABEL_ROLE) == STARTING

    @property
    def holder(self) -> Holder:
        """Whose deployment it is."""
        return holder_of(self.labels)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a deployment goes."""

    name: str
    """Name of its namespace, which need not exist."""
    former: str = ""
    """The namespace whose deployment answers until this one does; empty if none does."""
    outdated: tuple[str, ...] = ()
    """Namespaces that are to be removed first."""


def present(found: Sequence[Slot]) -> Slot | None:
    """Return the slot whose deployment took over last; None if none has."""
    return max((one for one in found if not one.starting), key=lambda one: one.holder, default=None)


def place(names: tuple[str, str], found: Sequence[Slot], beside: Holder | None) -> Place:
    """Return where to deploy.

    `beside` is the run whose deployment shall answer meanwhile. Without one, or if that is gone, the
    deployment goes where the present one is.
    """
    kept = next((one.name for one in found if beside and same_run(one.labels, beside)), "")
    if kept:
        name = names[1] if kept == names[0] else names[0]
    else:
        there = present(found) or next(iter(found), None)
        name = there.name if there else names[0]
    return Place(name, kept, tuple(one.name for one in found if one.name not in {name, kept}))
