"""What belongs to a pull request besides its runs: environments, images, trusted commits, comments."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, and_, case, select, update

from bot.core import markers
from bot.core.environments import idle
from bot.model.approval import Approval
from bot.model.environment import Environment, EnvironmentKey, EnvironmentState
from bot.model.forge import RepoPath
from bot.model.lease import Lease, LeaseLost
from bot.model.run import Image
from bot.store import approvals, pull_rows
from bot.store.codec import unpack
from bot.store.database import Database
from bot.store.dialects import aware, insert
from bot.store.pull_writer import PullWriter
from bot.store.replicas import free, held_by, member
from bot.store.schema import comments, environments, images


class Pulls:
    """Environments, images, trusted commits and comments by pull request."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def writer(self, lease: Lease | None, run: int | None = None) -> PullWriter:
        """Return the writer for a replica, or for the run that it executes.

        Without a lease it is an operator's, whom nobody can evict.
        """
        return PullWriter(self._database, lease, run)

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
                    pull_rows.put(connection, changed)

        await self._database.run(work)

    async def request_wake(self, key: EnvironmentKey, at: datetime) -> None:
        """Request that an environment wakes, if it is asleep."""
        await self._database.run(lambda connection: pull_rows.request_wake(connection, key, at))

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

    async def approvals(self, repo: RepoPath, number: int) -> tuple[Approval, ...]:
        """Return the approvals of a pull request, oldest first."""
        return await self._database.read(lambda connection: approvals.of(connection, repo, number))

    async def requests(self, repo: RepoPath, number: int) -> dict[str, int]:
        """Return the comments that request an approval in a pull request: their ids by their markers."""
        statement = select(comments.c.marker, comments.c.comment_id).where(
            comments.c.repo == str(repo),
            comments.c.number == number,
            comments.c.marker.startswith(markers.REQUEST, autoescape=True),
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
        self, repo: RepoPath, number: int, marker: str, lease: Lease, *, comment_id: int, body_digest: str
    ) -> None:
        """Store the id of a comment that this replica claimed, and the digest of its body.

        Raises LeaseLost.
        """
        mine = comments.c.writer.is_(None) | (comments.c.writer == lease.replica)
        statement = (
            update(comments)
            .where(_comment(repo, number, marker), mine, member(lease))
            .values(comment_id=comment_id, body_digest=body_digest)
            .returning(comments.c.marker)
        )
        if await self._database.run(lambda connection: connection.execute(statement).first()) is None:
            raise LeaseLost

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
