"""What trust depends on is read from Gitee as seldom as possible, and from nowhere else."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from bot.core import markers
from bot.core.admission import keys
from bot.core.admission.permissions import Policy
from bot.engine.deciding.cache import MOST, BriefCache
from bot.engine.deciding.commit_files import CommitFiles
from bot.engine.deciding.config_reader import ConfigReader
from bot.engine.deciding.trust_facts import Trust, TrustReader
from bot.model.approval import Approval
from bot.model.errors import RetryLater
from bot.model.forge import Branch, Comment, Permission, PullRequest, RepoPath
from bot.model.reason import Reason
from bot.sandbox.process import ProcessSandbox
from tests.fakes.snapshots import COMMANDS, NOW, OLD, SHA, approval, pull_request

FORK = pull_request(fork=True)
STRANGERS = pull_request(fork=True, author="stranger")
APPROVING = Comment(70, f"/ok-to-test {SHA}", "lin", NOW, NOW)
APPROVAL = replace(approval(), digest=keys.body_digest(APPROVING.body))
MARKER = markers.request(SHA, "main").key


@dataclass
class Clock:
    """A clock that tests set."""

    at: datetime = NOW

    def now(self) -> datetime:
        return self.at


NO_RULES = Policy()


@dataclass
class ScriptedForge:
    """Answers from tables, and records its calls."""

    permissions: Mapping[str, Permission] = field(default_factory=lambda: {"lin": Permission.ADMIN})
    collaborators: frozenset[str] | None = frozenset()
    elsewhere: Mapping[str, Permission] = field(default_factory=dict)
    """Permissions in the repository `team/elsewhere`, if they differ."""
    comments: Mapping[int, Comment] = field(default_factory=dict)
    visible: bool = True
    default: str = "main"
    protected: bool = False
    calls: list[str] = field(default_factory=list)

    async def permission(self, repo: RepoPath, login: str) -> Permission:
        self.calls.append(f"permission {login}")
        found = self.permissions if repo.name != "elsewhere" else {**self.permissions, **self.elsewhere}
        return found.get(login, Permission.READ)

    async def pushers(self, repo: RepoPath) -> frozenset[str] | None:
        self.calls.append(f"pushers {repo}")
        return self.collaborators

    async def comment(self, _: RepoPath, comment_id: int) -> Comment | None:
        self.calls.append(f"comment {comment_id}")
        return self.comments.get(comment_id)

    async def pull_request(self, _: RepoPath, number: int) -> PullRequest | None:
        self.calls.append(f"pull {number}")
        return FORK if self.visible else None

    async def default_branch(self, repo: RepoPath) -> str:
        self.calls.append(f"default {repo}")
        return self.default

    async def branch(self, _: RepoPath, name: str) -> Branch | None:
        self.calls.append(f"branch {name}")
        return None if name == "gone" else Branch(f"tip of {name}", self.protected)

    async def file(self, _: RepoPath, path: str, ref: str) -> bytes | None:
        self.calls.append(f"file of {ref}")
        return None if ref == "tip of empty" else f"version: 1\n# {path} of {ref}\n".encode()

    async def root_files(self, _: RepoPath, ref: str) -> tuple[str, ...]:
        self.calls.append(f"root of {ref}")
        return ("README.md",)


@dataclass
class FakePulls:
    """What the store has about the pull request."""

    given: tuple[Approval, ...] = ()
    asked: Mapping[str, int] = field(default_factory=dict)
    heads: frozenset[str] = frozenset()

    async def approvals(self, repo: RepoPath, number: int) -> tuple[Approval, ...]:
        return self.given if str(repo) and number else ()

    async def only_head(self, repo: RepoPath, number: int, sha: str) -> bool:
        return bool(str(repo) and number) and self.heads <= {sha}

    async def requests(self, repo: RepoPath, number: int) -> Mapping[str, int]:
        return self.asked if str(repo) and number else {}


@dataclass
class FakeRecords:
    """The store."""

    pulls: FakePulls

    @property
    def inbox(self) -> FakePulls:
        """What the deliveries say, which is here as well."""
        return self.pulls


def reader(
    forge: ScriptedForge, pulls: FakePulls | None = None, *, policy: Policy = NO_RULES, **how: Any
) -> TrustReader:
    records: Any = FakeRecords(pulls or FakePulls())
    answering: Any = forge
    return TrustReader(answering, records, COMMANDS, policy, config(forge), BriefCache(Clock()), **how)


async def read(
    forge: ScriptedForge, pull: PullRequest = FORK, pulls: FakePulls | None = None, **how: Any
) -> Trust:
    return await reader(forge, pulls, **how).read(pull)


WRITERS = {"mei": Permission.WRITE, "lin": Permission.ADMIN}


@pytest.mark.parametrize("pull", [pull_request(), STRANGERS], ids=["branch", "stranger"])
async def test_collaborators_are_not_read_where_nothing_depends_on_them(pull: PullRequest) -> None:
    forge = ScriptedForge(WRITERS)
    await read(forge, pull)
    assert forge.calls == [f"permission {pull.author}"]


async def test_the_collaborators_of_a_commit_are_read_once_a_minute() -> None:
    forge, clock = ScriptedForge(WRITERS, frozenset({"Mei", "lin"})), Clock()
    trust = replace(reader(forge), others=BriefCache(clock))
    once = ["permission mei", "pushers mei/shop", "permission lin"]
    assert (await trust.read(FORK)).trusted
    assert forge.calls == once
    await trust.read(FORK)
    assert forge.calls == [*once, "permission mei"]
    later = replace(FORK, head=replace(FORK.head, sha=OLD))
    await trust.read(later)
    assert forge.calls.count("pushers mei/shop") == 2
    clock.at += timedelta(minutes=1)
    await trust.read(later)
    assert forge.calls.count("pushers mei/shop") == 3


async def test_permissions_in_one_base_repository_say_nothing_about_another() -> None:
    forge = ScriptedForge(WRITERS, frozenset({"stranger"}), elsewhere={"stranger": Permission.WRITE})
    trust = reader(forge)
    assert (await trust.read(replace(FORK, repo=RepoPath("team", "elsewhere")))).trusted
    assert not (await trust.read(FORK)).trusted


async def test_of_many_collaborators_only_a_few_are_asked_about_and_the_rest_are_strangers() -> None:
    many = {f"dev{number}": Permission.WRITE for number in range(7)}
    forge = ScriptedForge(WRITERS | many, frozenset(many))
    found = await read(forge)
    assert found.distrust is not None
    assert (found.distrust.reason, found.distrust.facts["who"]) == (Reason.FORK_SHARED, "dev5, dev6")


async def test_unreadable_collaborators_make_a_fork_untrusted() -> None:
    found = await read(ScriptedForge(WRITERS, None))
    assert found.distrust is not None
    assert (found.trusted, found.distrust.reason) == (False, Reason.FORK_UNREADABLE)


async def test_the_operator_may_spare_the_question() -> None:
    forge = ScriptedForge(WRITERS, frozenset({"stranger"}))
    assert (await read(forge, trust_namespaces=True)).trusted
    assert forge.calls == ["permission mei"]


async def test_the_approval_that_trust_depends_on_is_checked() -> None:
    forge = ScriptedForge(comments={70: APPROVING})
    other = approval(OLD, comment=71)
    found = await read(forge, STRANGERS, FakePulls((other, APPROVAL)))
    assert (found.trusted, found.approvals, found.revoked) == (True, (other, APPROVAL), ())
    assert "comment 71" not in forge.calls


async def test_no_approval_is_checked_if_the_author_may_push_anyway() -> None:
    forge = ScriptedForge(WRITERS)
    found = await read(forge, pull_request(), FakePulls((APPROVAL,)))
    assert (found.trusted, found.approvals) == (True, (APPROVAL,))
    assert forge.calls == ["permission mei"]


async def test_a_revoked_approval_is_none() -> None:
    forge = ScriptedForge()
    found = await read(forge, STRANGERS, FakePulls((APPROVAL,)))
    assert (found.trusted, found.approvals) == (False, ())
    assert [one.reason for one in found.revoked] == [Reason.APPROVAL_DELETED]


async def test_nothing_is_revoked_while_the_bot_has_no_access() -> None:
    with pytest.raises(RetryLater):
        await read(ScriptedForge(visible=False), STRANGERS, FakePulls((APPROVAL,)))


async def test_approvals_of_other_commits_are_checked_on_demand() -> None:
    old = approval(OLD, comment=71)
    found = await reader(ScriptedForge(), FakePulls((old,))).read(STRANGERS, check={71})
    assert [one.approval for one in found.revoked] == [old]


async def test_without_a_command_that_approves_only_administrators_have_approved() -> None:
    forge = ScriptedForge({"lin": Permission.WRITE}, comments={70: APPROVING})
    trust = replace(reader(forge, FakePulls((APPROVAL,))), commands=())
    assert not (await trust.read(STRANGERS)).trusted


REQUEST = Comment(60, "", "chatops-bot", NOW, NOW)


@pytest.mark.parametrize(
    ("asked", "announced"),
    [
        ({MARKER: 60}, True),
        ({}, False),
        ({MARKER: 0}, False),
        ({MARKER: 61}, False),
        ({MARKER: 60, markers.request(OLD, "main").key: 59}, False),
        ({markers.request(OLD, "main").key: 60}, False),
        ({markers.request(SHA, "release").key: 60}, False),
    ],
)
async def test_a_head_is_announced_by_the_only_request(asked: dict[str, int], *, announced: bool) -> None:
    trust = reader(ScriptedForge(comments={60: REQUEST}), FakePulls(asked=asked))
    assert await trust.announced(STRANGERS, APPROVING) is announced


@pytest.mark.parametrize(("heads", "announced"), [({SHA}, True), ({SHA, OLD}, False)])
async def test_a_head_that_has_moved_is_not_announced(heads: set[str], *, announced: bool) -> None:
    pulls = FakePulls(asked={MARKER: 60}, heads=frozenset(heads))
    trust = reader(ScriptedForge(comments={60: REQUEST}), pulls)
    assert await trust.announced(STRANGERS, APPROVING) is announced


def config(forge: ScriptedForge, **how: Any) -> ConfigReader:
    given: Any = forge
    files = CommitFiles(given, BriefCache(Clock()), BriefCache(Clock()))
    caches: tuple[Any, ...] = (*(BriefCache(Clock()) for _ in range(3)), files)
    return ConfigReader(given, ProcessSandbox(), COMMANDS, *caches, **how)


def onto(branch: str) -> PullRequest:
    pull = pull_request()
    return replace(pull, base=replace(pull.base, ref=branch))


async def test_the_default_branch_is_remembered_until_it_moves_and_needs_no_protection() -> None:
    forge = ScriptedForge()
    configs = config(forge)
    pull = onto("main")
    for _ in range(2):
        assert (await configs.read(pull)).reviewed
    assert sorted(forge.calls) == ["branch main", "default team/shop", *["file of tip of main"] * 2]
    await configs.read(replace(pull, base=replace(pull.base, sha="ef" * 20)))
    assert forge.calls[-2:] == ["branch main", "file of tip of main"]


@pytest.mark.parametrize(
    ("branch", "protected", "reviewed", "noted"),
    [
        ("release", True, True, False),
        ("mine", False, False, True),
        ("empty", False, False, False),
        ("gone", False, False, False),
    ],
)
async def test_only_a_protected_branch_has_a_configuration_of_its_own(
    branch: str, *, protected: bool, reviewed: bool, noted: bool
) -> None:
    found = await config(ScriptedForge(protected=protected)).read(onto(branch))
    assert (found.reviewed, bool(found.notes)) == (reviewed, noted)


async def test_the_operator_may_read_every_base_branch() -> None:
    forge = ScriptedForge()
    assert (await config(forge, any_base=True).read(onto("mine"))).reviewed
    assert forge.calls == ["branch mine", "file of tip of mine"]


async def test_without_a_default_branch_the_decision_waits() -> None:
    with pytest.raises(RetryLater):
        await config(ScriptedForge(default="")).read(onto("mine"))


async def test_a_cache_does_not_grow_forever() -> None:
    cache: BriefCache[int] = BriefCache(Clock())
    reads: list[int] = []

    async def answer() -> int:
        reads.append(1)
        return len(reads)

    for key in range(MOST + 1):
        await cache.get(key, answer)
    assert await cache.get(0, answer) == MOST + 2
