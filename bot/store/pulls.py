"""What is remembered of a pull request beside its runs: environments, images, approvals, comments."""

from datetime import datetime

from sqlalchemy import Connection, Table, delete, select
from sqlalchemy.dialects import postgresql, sqlite

from bot.model.environment import Environment, EnvironmentKey, EnvironmentState
from bot.model.forge import RepoPath
from bot.model.run import Image
from bot.store.codec import pack, unpack
from bot.store.database import Database
from bot.store.schema import approvals, comments, environments, images


class Pulls:
    """Facts by pull request."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def put_environment(self, environment: Environment) -> None:
        """Keep an environment's present state."""
        key = environment.key
        row = {"repo": str(key.repo), "number": key.number, "name": key.name}
        rest = {"host": environment.host, "state": environment.state, "data": pack(environment)}
        await self._database.run(lambda connection: upsert(connection, environments, row, rest))

    async def environments(
        self, repo: RepoPath | None = None, number: int | None = None
    ) -> tuple[Environment, ...]:
        """Return environments that are not removed; of one pull request when it is named."""
        statement = select(environments.c.data).where(environments.c.state != EnvironmentState.REMOVED)
        if repo is not None:
            statement = statement.where(environments.c.repo == str(repo), environments.c.number == number)
        return await self._database.read(
            lambda connection: tuple(
                unpack(Environment, data) for data in connection.execute(statement).scalars()
            )
        )

    async def environment_at(self, host_label: str) -> Environment | None:
        """Return the environment, removed ones included, whose address begins with this label."""
        statement = select(environments.c.data).where(environments.c.host == host_label)
        data = await self._database.read(lambda connection: connection.execute(statement).scalar())
        return unpack(Environment, data) if data else None

    async def host_owner(self, host_label: str) -> EnvironmentKey | None:
        """Return whose address this label is."""
        found = await self.environment_at(host_label)
        return found.key if found else None

    async def put_image(self, repo: RepoPath, number: int, image: Image) -> None:
        """Remember that a commit's image is in the registry."""
        row = {"repo": str(repo), "number": number, "sha": image.sha}
        await self._database.run(lambda connection: upsert(connection, images, row, {"data": pack(image)}))

    async def images(self, repo: RepoPath, number: int) -> dict[str, Image]:
        """Return a pull request's images by commit."""
        statement = select(images.c.data).where(images.c.repo == str(repo), images.c.number == number)
        found = await self._database.read(
            lambda connection: [unpack(Image, data) for data in connection.execute(statement).scalars()]
        )
        return {image.sha: image for image in found}

    async def forget_images(self, repo: RepoPath, number: int) -> None:
        """Drop what `put_image` remembered: the tags are gone."""
        statement = delete(images).where(images.c.repo == str(repo), images.c.number == number)
        await self._database.run(lambda connection: connection.execute(statement))

    async def approved(self, repo: RepoPath, number: int) -> frozenset[str]:
        """Return the commits that somebody trusted."""
        statement = select(approvals.c.sha).where(approvals.c.repo == str(repo), approvals.c.number == number)
        return await self._database.read(
            lambda connection: frozenset(connection.execute(statement).scalars())
        )

    async def comment(self, repo: RepoPath, number: int, marker: str) -> tuple[int, str] | None:
        """Return id and body digest of the comment that carries a marker; id 0: posting was begun."""
        statement = select(comments.c.comment_id, comments.c.body_digest).where(
            comments.c.repo == str(repo), comments.c.number == number, comments.c.marker == marker
        )
        row = await self._database.read(lambda connection: connection.execute(statement).first())
        return (row[0], row[1]) if row else None

    async def put_comment(
        self, repo: RepoPath, number: int, marker: str, comment_id: int, body_digest: str
    ) -> None:
        """Remember which comment carries a marker and what it says."""
        row = {"repo": str(repo), "number": number, "marker": marker}
        rest = {"comment_id": comment_id, "body_digest": body_digest}
        await self._database.run(lambda connection: upsert(connection, comments, row, rest))


def approve(
    connection: Connection, *, repo: RepoPath, number: int, sha: str, actor: str, at: datetime
) -> None:
    """Trust a commit, in the transaction of the decision."""
    row = {"repo": str(repo), "number": number, "sha": sha}
    upsert(connection, approvals, row, {"actor": actor, "approved_at": at})


def upsert(connection: Connection, table: Table, key: dict[str, object], rest: dict[str, object]) -> None:
    """Insert a row or replace what its key already holds."""
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    statement = dialect.insert(table).values(**key, **rest)
    connection.execute(statement.on_conflict_do_update(index_elements=list(key), set_=rest))
