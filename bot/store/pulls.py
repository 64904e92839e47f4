"""What belongs to a pull request besides its runs: environments, images, trusted commits, comments."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, and_, case, delete, select, update
from sqlalchemy.exc import IntegrityError

from bot.core import naming
from bot.core.environments import idle
from bot.model.approval import Approval
from bot.model.environment import Environment, EnvironmentKey, EnvironmentState
from bot.model.forge import RepoPath
from bot.model.lease import Lease
from bot.model.run import Image
from bot.store import approvals
from bot.store.codec import pack, unpack
from bot.store.database import Database
from bot.store.dialects import aware, insert, upsert
from bot.store.replicas import free, held_by
from bot.store.schema import comments, environments, images


class Pulls:
    """Environments, images, trusted commits and comments by pull request."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def put_environment(self, environment: Environment) -> None:
        """Store an environment, in place of its earlier state."""
        await self._database.run(lambda connection: _put(connection, environment))

    async def change(self, repo: RepoPath, number: int, change: Callable[[Environment], Environment]) -> None:
        """Replace each environment of a pull request by what `change` returns, in one transaction.

        Removed environments are not changed.
        """
        here = (environments.c.repo == str(repo)) & (environments.c.number == number)
        there = environments.c.state != EnvironmentState.REMOVED
        statement = select(environments.c.data).where(here, there).with_for_update()

        def work(connection: Connection) -> None:
            for data in connection.execute(statement).scalars().all():
                known = unpack(Environment, data)
                if (changed := change(known)) != known:
                    _put(connection, changed)

        await self._database.run(work)

    async def reserve_hostname(self, environment: Environment, labels: Sequence[str]) -> Environment:
        """Store a new environment under the first of these host labels that is free, and return it."""
        while True:
            try:
                return await self._database.run(
                    lambda connection: _reserve_hostname(connection, environment, labels)
                )
            except IntegrityError:
                continue  # Another replica has just stored an environment under this label.

    async def environments(
        self, repo: RepoPath | None = None, number: int | None = None
    ) -> tuple[Environment, ...]:
        """Return environments that are not removed: all, or those of one pull request."""
        statement = select(environments.c.data).where(environments.c.state != EnvironmentState.REMOVED)
        if repo is not None:
            statement = statement.where(environments.c.repo == str(repo), environments.c.number == number)
        return await self._database.read(
            lambda connection: tuple(
                unpack(Environment, data) for data in connection.execute(statement).scalars()
            )
        )

    async def environment_at(self, host_label: str) -> Environment | None:
        """Return the environment with this host label, removed ones included."""
        statement = select(environments.c.data).where(environments.c.host == host_label)
        data = await self._database.read(lambda connection: connection.execute(statement).scalar())
        return unpack(Environment, data) if data else None

    async def visited(self, seen: Mapping[str, datetime]) -> None:
        """Store when the environments with these host labels were last visited."""
        statement = select(environments.c.host, environments.c.data).where(environments.c.host.in_(seen))

        def work(connection: Connection) -> None:
            for host, data in connection.execute(statement.with_for_update()).all():
                known = unpack(Environment, data)
                if (changed := idle.visited(known, seen[host])) != known:
                    _put(connection, changed)

        await self._database.run(work)

    async def request_wake(self, key: EnvironmentKey, at: datetime) -> None:
        """Request that an environment wakes, if it is asleep."""
        await self._database.run(lambda connection: request_wake(connection, key, at))

    async def put_image(self, repo: RepoPath, number: int, image: Image) -> None:
        """Store that the image of a commit is in the registry."""
        row = {"repo": str(repo), "number": number, "sha": image.sha}
        await self._database.run(lambda connection: upsert(connection, images, row, {"data": pack(image)}))

    async def images(self, repo: RepoPath, number: int) -> dict[str, Image]:
        """Return a pull request's images by commit."""
        statement = select(images.c.data).where(images.c.repo == str(repo), images.c.number == number)
        found = await self._database.read(
            lambda connection: [unpack(Image, data) for data in connection.execute(statement).scalars()]
        )
        return {image.sha: image for image in found}

    async def with_images(self) -> frozenset[tuple[RepoPath, int]]:
        """Return the pull requests with stored images."""
        statement = select(images.c.repo, images.c.number).distinct()
        return await self._database.read(
            lambda connection: frozenset(
                (RepoPath.parse(row.repo), row.number) for row in connection.execute(statement)
            )
        )

    async def forget_images(self, repo: RepoPath, number: int) -> None:
        """Delete the images of a pull request, whose tags are gone."""
        statement = delete(images).where(images.c.repo == str(repo), images.c.number == number)
        await self._database.run(lambda connection: connection.execute(statement))

    async def approvals(self, repo: RepoPath, number: int) -> tuple[Approval, ...]:
        """Return the approvals of a pull request, oldest first."""
        return await self._database.read(lambda connection: approvals.of(connection, repo, number))

    async def requests(self, repo: RepoPath, number: int) -> dict[str, int]:
        """Return the comments that request an approval in a pull request: their ids by their markers."""
        statement = select(comments.c.marker, comments.c.comment_id).where(
            comments.c.repo == str(repo),
            comments.c.number == number,
            comments.c.marker.startswith(naming.REQUEST, autoescape=True),
        )
        return await self._database.read(
            lambda connection: {row.marker: row.comment_id for row in connection.execute(statement)}
        )

    async def claim_comment(
        self, repo: RepoPath, number: int, marker: str, lease: Lease, now: datetime
    ) -> tuple[int | None, str, datetime | None] | None:
        """Become the only writer of the comment with this marker. Returns None while another replica is.

        Otherwise returns the comment's id, the digest of its body, and when an answer to a request to write
        it was lost: that is now, if a replica died as its writer. The id is None if no replica has tried to
        post the comment, and 0 if one has, with an unknown result.
        """
        row = {"repo": str(repo), "number": number, "marker": marker}
        mine = _comment(repo, number, marker) & (free(comments.c.writer) | held_by(comments.c.writer, lease))
        died = comments.c.writer.is_not(None) & (comments.c.writer != lease.replica)
        lost_at = case((died, now), else_=comments.c.lost_at)

        def work(connection: Connection) -> tuple[int | None, str, datetime | None] | None:
            new = {**row, "comment_id": 0, "body_digest": "", "writer": lease.replica}
            if _add_comment(connection, new):
                return None, "", None
            found = connection.execute(
                update(comments)
                .where(mine)
                .values(writer=lease.replica, lost_at=lost_at)
                .returning(comments.c.comment_id, comments.c.body_digest, comments.c.lost_at)
            ).first()
            return (found[0], found[1], found[2] and aware(found[2])) if found else None

        return await self._database.run(work)

    async def put_comment(
        self, repo: RepoPath, number: int, marker: str, comment_id: int, body_digest: str
    ) -> None:
        """Store the id of the comment with this marker, and the digest of its body."""
        statement = (
            update(comments)
            .where(_comment(repo, number, marker))
            .values(comment_id=comment_id, body_digest=body_digest)
        )
        await self._database.run(lambda connection: connection.execute(statement))

    async def release_comment(self, repo: RepoPath, number: int, marker: str, lease: Lease) -> None:
        """Allow other replicas to write this comment."""
        statement = (
            update(comments)
            .where(_comment(repo, number, marker), comments.c.writer == lease.replica)
            .values(writer=None)
        )
        await self._database.run(lambda connection: connection.execute(statement))


def _comment(repo: RepoPath, number: int, marker: str) -> ColumnElement[bool]:
    return and_(comments.c.repo == str(repo), comments.c.number == number, comments.c.marker == marker)


def _add_comment(connection: Connection, row: Mapping[str, object]) -> bool:
    statement = insert(connection, comments).values(**row).on_conflict_do_nothing()
    return connection.execute(statement.returning(comments.c.marker)).first() is not None


def _reserve_hostname(connection: Connection, environment: Environment, labels: Sequence[str]) -> Environment:
    key = environment.key
    taken = select(environments.c.host, environments.c.data).where(environments.c.host.in_(labels))
    others = {host for host, data in connection.execute(taken) if unpack(Environment, data).key != key}
    reserved = replace(environment, host=next(label for label in labels if label not in others))
    _put(connection, reserved)
    return reserved


def _put(connection: Connection, environment: Environment) -> None:
    key = environment.key
    row = {"repo": str(key.repo), "number": key.number, "name": key.name}
    rest = {"host": environment.host, "state": environment.state, "data": pack(environment)}
    upsert(connection, environments, row, rest)


def environment(connection: Connection, key: EnvironmentKey) -> Environment | None:
    """Return an environment, locked until the transaction ends."""
    statement = select(environments.c.data).where(
        environments.c.repo == str(key.repo),
        environments.c.number == key.number,
        environments.c.name == key.name,
    )
    data = connection.execute(statement.with_for_update()).scalar()
    return unpack(Environment, data) if data else None


def extend(connection: Connection, key: EnvironmentKey, until: datetime, at: datetime) -> None:
    """Extend an environment's life, unless it is removed, in the transaction of the decision."""
    known = environment(connection, key)
    if known and known.state is not EnvironmentState.REMOVED and known.expires_at < until:
        _put(connection, replace(known, expires_at=until, extended_at=at))


def replace_environment(connection: Connection, expected: Environment, changed: Environment) -> bool:
    """Store a change of an environment. Returns False if it is not as expected."""
    if environment(connection, expected.key) != expected:
        return False
    _put(connection, changed)
    return True


def request_wake(connection: Connection, key: EnvironmentKey, at: datetime) -> None:
    """Request that an environment wakes, if it is asleep."""
    known = environment(connection, key)
    if known and (changed := idle.wake_requested(known, at)) != known:
        _put(connection, changed)
