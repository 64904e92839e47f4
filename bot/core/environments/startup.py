"""In which order the services of an environment start. `needs` are the names that each of them depends on."""

from collections.abc import Collection, Mapping
from itertools import chain


def waves(needs: Mapping[str, Collection[str]]) -> tuple[tuple[str, ...], ...]:
    """Return the names in groups: those of a group start together, once all earlier groups are ready.

    Unknown dependencies are ignored. What waits for itself is in no group, nor is what depends on it; see
    `cycle`.

    >>> waves({"api": ["db", "cache"], "db": [], "cache": [], "worker": ["api"]})
    (('cache', 'db'), ('api',), ('worker',))
    """
    found = list[tuple[str, ...]]()
    left = dict(needs)
    while ready := tuple(sorted(name for name, wanted in left.items() if left.keys().isdisjoint(wanted))):
        found.append(ready)
        left = {name: wanted for name, wanted in left.items() if name not in ready}
    return tuple(found)


def cycle(needs: Mapping[str, Collection[str]]) -> tuple[str, ...]:
    """Return names of which each depends on the next and the last on the first; empty if there are none.

    >>> cycle({"a": ["b"], "b": ["c"], "c": ["b"], "d": []})
    ('b', 'c')
    """
    stuck = needs.keys() - set(chain.from_iterable(waves(needs)))
    path = [min(stuck)] if stuck else []
    while path:
        following = min(stuck.intersection(needs[path[-1]]))
        if following in path:
            return tuple(path[path.index(following) :])
        path.append(following)
    return ()
