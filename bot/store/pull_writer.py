"""Writes what belongs to a pull request, as long as the writer holds its lease."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from sqlalchemy import Connection, delete, literal, select
from sqlalchemy.exc import IntegrityError

from bot.model.audit import AuditRecord
from bot.model.environment import Environment, EnvironmentState
from bot.model.forge import RepoPath
from bot.model.lease import Lease, LeaseLost
from bot.model.run import Image
from bot.store import audit as audit_rows
from bot.store import pull_rows
from bot.store.codec import pack, unpack
from bot.store.database import Database
from bot.store.dialects import upsert
from bot.store.replicas import held_by, member
from bot.store.runs import idle, touch
from bot.store.schema import environments, images, runs

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class PullWriter:
    """Writes in transactions that raise LeaseLost if the replica was evicted, or lost the run."""

    database: Database
    lease: Lease | None
    """None for an operator."""
    run: int | None = None
    """The run that writes. What a later run has stored is not changed."""

    async def replace(
        self, expected: Environment, changed: Environment, audit: AuditRecord | None = None
    ) -> bool:
        """Store a change of an environment, with its audit record.

        Returns False if its pull request has an unfinished run, or it is not as expected any more.
        """
        key = expected.key

        def work(connection: Connection) -> bool:
            unchanged = pull_rows.environment(connection, key) == expected
            if not unchanged or not idle(connection, key.repo, key.number):
                return False
            _put_changed(connection, expected, changed)
            _record(connection, audit)
            return True

        return await self._transaction(work)

    async def change(
        self,
        repo: RepoPath,
        number: int,
        change: Callable[[Environment], Environment],
        audit: AuditRecord | None = None,
    ) -> None:
        """Replace each environment of a pull request by what `change` returns, in one transaction.

        Removed environments are not changed. The audit record is added for each one that is.
        """
        here = (environments.c.repo == str(repo)) & (environments.c.number == number)
        there = environments.c.state != EnvironmentState.REMOVED
        statement = select(environments.c.data).where(here, there).with_for_update()

        def work(connection: Connection) -> None:
            for data in connection.execute(statement).scalars().all():
                known = unpack(Environment, data)
                if (changed := change(known)) != known and not self._outdated(known):
                    _put_changed(connection, known, changed)
                    _record(connection, audit)

        await self._transaction(work)

    async def reserve_hostname(self, environment: Environment, labels: Sequence[str]) -> Environment:
        """Store a new environment under the first of these host labels that is free, and return it."""
        while True:
            try:
                return await self._transaction(
                    lambda connection: self._reserved(connection, environment, labels)
                )
            except IntegrityError:
                continue  # Another replica has just stored an environment under this label.

    async def adopt(
        self, found: Environment, labels: Sequence[str], audit: AuditRecord | None = None
    ) -> bool:
        """Store an environment that was found at its runner, under the first of these labels that is free.

        One that the store knows keeps its own. Returns False if its pull request has an unfinished run, or
        if the store knows something newer, also if that is stored only now.
        """
        key = found.key

        def work(connection: Connection) -> bool:
            known = pull_rows.environment(connection, key)
            newer = known and known.state.deployed and known.deployed_at > found.deployed_at
            if newer or not idle(connection, key.repo, key.number):
                return False
            host = known.host if known else pull_rows.free_host(connection, key, labels)
            adopted = replace(found, host=host)
            if known:
                pull_rows.put(connection, adopted)
            elif not pull_rows.add(connection, adopted):
                return False
            _record(connection, audit)
            return True

        return await self._transaction(work)

    async def record(self, audit: AuditRecord) -> None:
        """Add the audit record of something that was done elsewhere."""
        await self._transaction(lambda connection: _record(connection, audit))

    async def put_image(self, repo: RepoPath, number: int, image: Image) -> None:
        """Store that the image of a commit is in the registry."""
        row = {"repo": str(repo), "number": number, "sha": image.sha}
        await self._transaction(lambda connection: upsert(connection, images, row, {"data": pack(image)}))

    async def forget_images(self, repo: RepoPath, number: int) -> None:
        """Delete the images of a pull request, whose tags are gone."""
        statement = delete(images).where(images.c.repo == str(repo), images.c.number == number)
        await self._transaction(lambda connection: connection.execute(statement))

    async def _transaction(self, work: Callable[[Connection], T]) -> T:
        def fenced(connection: Connection) -> T:
            if self.lease is not None and not self._holds(connection, self.lease):
                raise LeaseLost
            return work(connection)

        return await self.database.run(fenced)

    def _holds(self, connection: Connection, lease: Lease) -> bool:
        if self.run is None:
            return bool(connection.execute(select(literal(1)).where(member(lease))).first())
        # The lock keeps others from claiming the run before this transaction ends.
        mine = select(runs.c.id).where(runs.c.id == self.run, held_by(runs.c.holder, lease))
        return connection.execute(mine.with_for_update()).first() is not None

    def _outdated(self, known: Environment) -> bool:
        return self.run is not None and known.run > self.run

    def _reserved(
        self, connection: Connection, environment: Environment, labels: Sequence[str]
    ) -> Environment:
        reserved = replace(environment, host=pull_rows.free_host(connection, environment.key, labels))
        known = pull_rows.environment(connection, environment.key)
        if known is None or not self._outdated(known):
            pull_rows.put(connection, reserved)
        return reserved


def _put_changed(connection: Connection, before: Environment, changed: Environment) -> None:
    """Store a change, and that the comment of the environment's run has to show a changed outage."""
    pull_rows.put(connection, changed)
    if changed.outage != before.outage:
        touch(connection, (before.run,))


def _record(connection: Connection, audit: AuditRecord | None) -> None:
    if audit is not None:
        audit_rows.add(connection, [audit])
