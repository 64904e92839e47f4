"""A model of Gitee: pull requests and comments in memory, with answers that come late or not at all."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from random import Random
from typing import TypeVar

from bot.core.admission import keys
from bot.model.delivery import Delivery, Trigger
from bot.model.errors import AnswerLost, RetryLater
from bot.model.forge import (
    Branch,
    Comment,
    Listed,
    Permission,
    PullRequest,
    PullState,
    RepoPath,
    Tip,
    User,
)
from bot.model.reason import Reason
from tests.fakes.adapters import DOCKERFILE
from tests.simulation.loop import PROCESS, VirtualLoop
from tests.simulation.network import ORDINARY, Fate, Link, Network, Peer
from tests.simulation.postgresql import EPOCH

T = TypeVar("T")

BOT = "chatops-bot"
REPO = RepoPath("team", "shop")
PATIENCE = 15.0
"""Seconds that the bot's client waits for an answer."""
LATEST = 60.0
"""Seconds after which Gitee does not act on a request any more."""
PEOPLE = {"lin": Permission.ADMIN, "mei": Permission.WRITE, BOT: Permission.WRITE}


@dataclass(slots=True)
class Written:
    """One text that a comment had."""

    at: float
    process: str
    body: str


@dataclass(slots=True)
class Gitee(Peer):
    """One repository with its pull requests."""

    loop: VirtualLoop = field(kw_only=True)
    chance: Random = field(kw_only=True)
    pulls: dict[int, Listed] = field(default_factory=dict)
    comments: dict[int, Comment] = field(default_factory=dict)
    texts: dict[int, list[Written]] = field(default_factory=dict)
    """All texts of each of the bot's comments."""
    trouble: float = 0.0
    """Share of the requests to write whose answers are lost, or that take effect late."""
    down: bool = False
    _number: int = 0
    _id: int = 1000

    def now(self) -> datetime:
        """Return the time, without fractions of a second."""
        return EPOCH + timedelta(seconds=int(self.loop.time()))

    def fate(self) -> Fate:
        """Return what becomes of a request to write."""
        if self.chance.random() >= self.trouble:
            return ORDINARY
        late = self.chance.choice((0.0, self.chance.uniform(5, LATEST)))
        return Fate(late=late, answered=late > 0 and self.chance.random() < 0.5)

    def open(self) -> Delivery:
        """Open a pull request."""
        self._number += 1
        pull = PullRequest(
            repo=REPO,
            number=self._number,
            id=self._number * 100,
            title="",
            state=PullState.OPEN,
            author="mei",
            head=Tip(f"feature-{self._number}", self._sha(), REPO),
            base=Tip("main", "0" * 40, REPO),
            url=f"https://gitee.example.com/{REPO}/pulls/{self._number}",
            clone_url=f"https://gitee.example.com/{REPO}.git",
        )
        self.pulls[self._number] = Listed(pull, self.now(), self.now())
        return self._changed(pull, Trigger.OPEN)

    def push(self, number: int) -> Delivery:
        """Push a commit."""
        pull = self.pulls[number].pull
        return self._changed(replace(pull, head=replace(pull.head, sha=self._sha())), Trigger.UPDATE)

    def close(self, number: int) -> Delivery:
        """Close a pull request."""
        return self._changed(replace(self.pulls[number].pull, state=PullState.CLOSED), Trigger.CLOSE)

    def say(self, number: int, words: str) -> Delivery:
        """Write a comment as lin."""
        comment = self._comment(number, words, "lin")
        return Delivery(
            key=keys.of_comment(REPO, number, comment.id),
            trigger=Trigger.COMMENT,
            repo=REPO,
            number=number,
            received_at=self.now(),
            comment_id=comment.id,
            head_sha=self.pulls[number].pull.head.sha,
            body_digest=keys.body_digest(words),
            sender="lin",
        )

    def _changed(self, pull: PullRequest, trigger: Trigger) -> Delivery:
        known = self.pulls[pull.number]
        # Two changes within one second would be one event, as their webhooks have one key.
        at = max(self.now(), known.updated_at + timedelta(seconds=trigger is not Trigger.OPEN))
        self.pulls[pull.number] = Listed(replace(pull, updated_at=at), known.created_at, at)
        key = keys.of_pull_event(REPO, pull.number, trigger, pull.head.sha, at.isoformat())
        moved = trigger is Trigger.UPDATE
        return Delivery(
            key, trigger, REPO, pull.number, self.now(), head_sha=pull.head.sha, sender="mei", moved=moved
        )

    def _sha(self) -> str:
        return f"{self.chance.getrandbits(160):040x}"

    def _comment(self, number: int, body: str, author: str) -> Comment:
        self._id += 1
        url = f"https://gitee.example.com/{REPO}/pulls/{number}#note_{self._id}"
        made = Comment(self._id, body, author, self.now(), self.now(), url, REPO, number)
        self.comments[self._id] = made
        return made

    def posted(self, process: str, number: int, body: str) -> int:
        """Create a comment of the bot."""
        made = self._comment(number, body, BOT)
        self.texts[made.id] = [Written(self.loop.time(), process, body)]
        return made.id

    def edited(self, process: str, comment_id: int, body: str) -> bool:
        """Replace the text of a comment of the bot."""
        known = self.comments.get(comment_id)
        if known is None:
            return False
        self.comments[comment_id] = replace(known, body=body, updated_at=self.now())
        self.texts[comment_id].append(Written(self.loop.time(), process, body))
        return True


class ModelForge:
    """Gitee's API as one replica reaches it: implements `bot.ports.Forge`."""

    def __init__(self, gitee: Gitee, network: Network, link: Link) -> None:
        self._gitee = gitee
        self._network = network
        self._link = link

    async def whoami(self) -> User:
        return User(BOT)

    async def ping(self) -> None:
        return

    async def pull_request(self, repo: RepoPath, number: int) -> PullRequest | None:
        found = await self._read(lambda: self._gitee.pulls.get(number))
        return found.pull if found else None

    async def pulls_updated(self, repo: RepoPath, since: datetime, limit: int) -> tuple[Listed, ...]:
        return await self._read(
            lambda: tuple(
                sorted(
                    (one for one in self._gitee.pulls.values() if one.updated_at >= since),
                    key=lambda one: one.updated_at,
                )[:limit]
            )
        )

    async def open_pulls(self, repo: RepoPath, limit: int) -> tuple[Listed, ...]:
        return await self._read(
            lambda: tuple(one for one in self._gitee.pulls.values() if one.pull.state is PullState.OPEN)
        )

    async def comments_since(self, repo: RepoPath, number: int, since: datetime) -> tuple[Comment, ...]:
        return await self._read(lambda: tuple(one for one in self._of(number) if one.created_at >= since))

    async def changed_files(self, repo: RepoPath, number: int) -> tuple[str, ...]:
        return ("app.py",)

    async def changed_between(self, repo: RepoPath, before: str, after: str) -> tuple[str, ...] | None:
        return None

    async def commit_message(self, repo: RepoPath, sha: str) -> str:
        return ""

    async def permission(self, repo: RepoPath, login: str) -> Permission:
        return PEOPLE.get(login, Permission.READ)

    async def pushers(self, repo: RepoPath) -> frozenset[str] | None:
        return frozenset(PEOPLE)

    async def collaborators(self, repo: RepoPath) -> Mapping[str, Permission]:
        return PEOPLE

    async def default_branch(self, repo: RepoPath) -> str:
        return "main"

    async def branch(self, repo: RepoPath, name: str) -> Branch | None:
        return Branch("0" * 40, protected=True)

    async def file(self, repo: RepoPath, path: str, ref: str) -> bytes | None:
        return DOCKERFILE.encode() if path == "Dockerfile" else None

    async def root_files(self, repo: RepoPath, ref: str) -> tuple[str, ...]:
        return ("Dockerfile",)

    async def comment(self, repo: RepoPath, comment_id: int) -> Comment | None:
        return await self._read(lambda: self._gitee.comments.get(comment_id))

    async def find_comment(
        self, repo: RepoPath, number: int, is_it: Callable[[str], bool], author: str
    ) -> Comment | None:
        def found() -> Comment | None:
            own = [one for one in self._of(number) if one.author == author and is_it(one.body)]
            return own[-1] if own else None

        return await self._read(found)

    async def post_comment(self, repo: RepoPath, number: int, body: str) -> int:
        process = _process()
        return await self._write(lambda: self._gitee.posted(process, number, body))

    async def delete_comment(self, repo: RepoPath, comment_id: int) -> None:
        await self._read(lambda: self._gitee.comments.pop(comment_id, None))

    async def edit_comment(self, repo: RepoPath, comment_id: int, body: str) -> bool:
        process = _process()
        return await self._write(lambda: self._gitee.edited(process, comment_id, body))

    def _of(self, number: int) -> list[Comment]:
        return [one for one in self._gitee.comments.values() if one.number == number]

    async def _read(self, do: Callable[[], T]) -> T:
        return await self._ask(do, RetryLater, ORDINARY)

    async def _write(self, do: Callable[[], T]) -> T:
        return await self._ask(do, AnswerLost, self._gitee.fate())

    async def _ask(self, do: Callable[[], T], error: type[RetryLater], fate: Fate) -> T:
        def arrived() -> T:
            if self._gitee.down:
                raise _away(RetryLater)
            return do()

        return await self._network.ask(
            self._link, arrived, patience=PATIENCE, unanswered=lambda: _away(error), fate=fate
        )


def _away(kind: type[RetryLater]) -> RetryLater:
    return kind(Reason.GITEE_UNAVAILABLE, {"message": "no answer"})


def _process() -> str:
    process = PROCESS.get()
    return process.name if process else ""
