"""`python -m tests.simulation.mutations`: breaks one rule of the bot after the other; each must be noticed.

A simulation that finds nothing proves nothing unless it finds what was broken on purpose.
"""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

from sqlalchemy import true, update

from bot.engine.comments.publisher import CommentPublisher
from bot.engine.comments.run_comments import RunComments
from bot.engine.replicas import membership
from bot.engine.replicas.membership import Membership
from bot.model.environment import Endpoint
from bot.model.holder import ANYONE
from bot.store import deliveries, leases, queues, runs, schema
from bot.store.lost_answers import LostAnswers
from bot.store.pull_writer import PullWriter
from tests.simulation.history import play
from tests.simulation.postgresql import LeaseStatements, Server
from tests.simulation.runner import ModelRunner, Runner
from tests.simulation.script import script

MOST = 300
"""Seeds within which each must be noticed."""


async def _nothing(*_: object, **__: object) -> None:
    """Do nothing."""


def _skip(*_: object, **__: object) -> None:
    """Do nothing."""


_deploy = ModelRunner.deploy
_remove = Runner.remove


async def _deploy_and_clean_up(self: ModelRunner, spec: Any, log: Any) -> Endpoint:
    try:
        return await _deploy(self, spec, log)
    except BaseException:
        self._network.tell(self._link, lambda: _remove(self._runner, None, spec.key, ANYONE))
        raise


def _any_state(key: str, _lease: object) -> Any:
    return schema.deliveries.c.key == key


def _claim(connection: Any, *, queue: Any, chosen: Any) -> Any:
    table = queues._KEYS[queue].table
    return (
        connection.execute(update(table).where(chosen.rows).values(**chosen.values).returning(table))
        .mappings()
        .all()
    )


NO_SESSION_ENDED = (Server, "end", lambda *_: 0)
"""Otherwise the server keeps an evicted replica from writing before its lease is looked at."""
MUTATIONS: dict[str, Sequence[tuple[Any, str, Any]]] = {
    "runs and environments written without the lease": [
        (runs, "held_by", lambda *_: true()),
        (PullWriter, "_holds", lambda *_: True),
        NO_SESSION_ENDED,
    ],
    "claims of runs that have a holder": [(runs, "free", lambda *_: true())],
    "claims that do not compare the queue's version": [(queues, "change_at", _claim)],
    "deliveries decided without the lease": [(deliveries, "_held", _any_state), NO_SESSION_ENDED],
    "evictions without a look at the lock": [(LeaseStatements, "_free", lambda *_: True)],
    "evictions as soon as the lock is free": [(leases, "SILENT_SECONDS", 0.1)],
    "no watch over the lease": [(Membership, "watch", _nothing)],
    "a fence that falls too late": [(membership, "FENCE_AFTER", 14.0)],
    "nothing dropped with the lease": [(Membership, "on_lease_lost", _skip)],
    "a platform that cleans up by key when cancelled": [(ModelRunner, "deploy", _deploy_and_clean_up)],
    "comments posted without a search": [(CommentPublisher, "_posted", _nothing)],
    "lost answers forgotten": [(LostAnswers, "add", _nothing)],
    "comments never caught up": [(RunComments, "catch_up", _nothing)],
}


@contextmanager
def mutated(name: str) -> Iterator[None]:
    """Break one rule within the block."""
    with ExitStack() as stack:
        for where, attribute, broken in MUTATIONS[name]:
            stack.enter_context(patch.object(where, attribute, broken))
        yield


def noticed(name: str, most: int = MOST) -> tuple[int, str] | None:
    """Return how many seeds it takes to notice a mutation, and what is noticed."""
    with mutated(name):
        for seed in range(most):
            problems = play(script(seed)).problems
            if problems:
                return seed + 1, problems[0]
    return None


def main(names: list[str], write: Callable[[str], object]) -> int:
    """Try these mutations, by default all; return how many went unnoticed."""
    unnoticed = 0
    for name in names or MUTATIONS:
        found = noticed(name)
        unnoticed += found is None
        write(f"{name}: {f'{found[0]} seeds: {found[1]}' if found else f'not noticed by {MOST} seeds'}\n")
        sys.stdout.flush()
    return unnoticed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], sys.stdout.write))
