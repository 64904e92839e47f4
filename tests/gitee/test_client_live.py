"""The client against the offline Gitee, over real HTTP."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from bot.gitee.client import GiteeClient
from bot.gitee.hooks import Hooks
from bot.gitee.transport import Transport
from bot.model.errors import GiveUp, RetryLater
from bot.model.forge import Permission, PullState, RepoPath, User
from bot.model.reason import Reason
from bot.sandbox.process import ProcessSandbox
from playground.server import OfflineGitee
from tests.gitee.samples import containing

REPO = RepoPath("lin", "shop")
NOWHERE = RepoPath("lin", "nowhere")


@pytest.fixture
async def gitee(tmp_path: Path) -> AsyncIterator[OfflineGitee]:
    async with OfflineGitee(tmp_path / "gitee") as gitee:
        for login in ("lin", "mei", "stranger", "chatops-bot"):
            gitee.add_user(login)
        members = {"mei": "write", "chatops-bot": "admin"}
        for path, private in (("lin/shop", False), ("lin/hidden", True)):
            await gitee.add_repository(path, {"README.md": "# shop\n"}, members=members, private=private)  # type: ignore[arg-type]  # literals inside a dict
        yield gitee


@pytest.fixture
async def transport(gitee: OfflineGitee) -> AsyncIterator[Transport]:
    transport = Transport(gitee.api_url, gitee.token("chatops-bot"), ProcessSandbox())
    yield transport
    await transport.aclose()


@pytest.fixture
def client(transport: Transport) -> GiteeClient:
    return GiteeClient(transport)


@pytest.fixture
async def number(gitee: OfflineGitee) -> int:
    return await gitee.open_pull("lin/shop", "feature", files={"a/b.py": "1\n"}, by="mei", title="更好的店")


async def test_the_bots_account_is_read(client: GiteeClient) -> None:
    assert await client.whoami() == User("chatops-bot", "chatops-bot")


async def test_a_pull_request_is_read(client: GiteeClient, gitee: OfflineGitee, number: int) -> None:
    pull = await client.pull_request(REPO, number)

    assert pull is not None
    assert (pull.repo, pull.number, pull.author, pull.title) == (REPO, number, "mei", "更好的店")
    assert pull.state is PullState.OPEN
    assert (pull.head.ref, pull.head.repo, pull.from_fork) == ("feature", REPO, False)
    assert pull.head.sha == gitee.pull("lin/shop", number).head_sha
    assert pull.clone_url == f"{gitee.url}/lin/shop.git"
    assert await client.changed_files(REPO, number) == ("a/b.py",)


async def test_a_push_is_compared_with_the_commit_before(
    client: GiteeClient, gitee: OfflineGitee, number: int
) -> None:
    first = gitee.pull("lin/shop", number).head_sha
    second = await gitee.push("lin/shop", number, {"b.md": "2\n"}, by="mei", message="Say more [skip ci]\n")

    assert await client.changed_between(REPO, first, second) == ("b.md",)
    assert await client.commit_message(REPO, second) == "Say more [skip ci]\n"
    # The earlier commit does not contain the later one, so more may differ than Gitee lists.
    assert await client.changed_between(REPO, second, first) is None
    for unknown in (REPO, NOWHERE):
        assert await client.changed_between(unknown, first, "0" * 40) is None
        assert await client.commit_message(unknown, "0" * 40) == ""


async def test_a_renamed_file_makes_a_comparison_incomplete(
    client: GiteeClient, gitee: OfflineGitee, number: int
) -> None:
    first = gitee.pull("lin/shop", number).head_sha
    moved = await gitee.push("lin/shop", number, {"a/b.py": None, "docs/b.py": "1\n"}, by="mei")

    assert await client.changed_between(REPO, first, moved) is None


async def test_forks_and_deleted_forks_are_recognized(client: GiteeClient, gitee: OfflineGitee) -> None:
    number = await gitee.open_pull("lin/shop", "x", files={"x": "x"}, by="stranger", from_fork=True)
    before = await client.pull_request(REPO, number)
    gitee.delete_fork("stranger/shop")
    after = await client.pull_request(REPO, number)

    assert before is not None
    assert after is not None
    assert (before.head.repo, after.head.repo) == (RepoPath("stranger", "shop"), None)
    assert before.from_fork
    assert after.from_fork


async def test_changed_pull_requests_are_listed_in_order_of_change(
    client: GiteeClient, gitee: OfflineGitee, number: int
) -> None:
    second = await gitee.open_pull("lin/shop", "other", files={"b": "1\n"}, by="mei", title="二")
    await gitee.close("lin/shop", second, by="lin")
    gitee.pull("lin/shop", number).updated_at += timedelta(hours=1)
    begin = gitee.pull("lin/shop", second).updated_at

    found = await client.pulls_updated(REPO, begin - timedelta(seconds=1), 10)
    assert [(one.pull.number, one.pull.state) for one in found] == [
        (second, PullState.CLOSED),
        (number, PullState.OPEN),
    ]
    assert found[0].created_at <= found[0].updated_at < found[1].updated_at
    assert [one.pull.number for one in await client.pulls_updated(REPO, begin, 1)] == [second]
    later = await client.pulls_updated(REPO, begin + timedelta(minutes=1), 10)
    assert [one.pull.number for one in later] == [number]
    assert [one.pull.number for one in await client.open_pulls(REPO, 10)] == [number]
    assert await client.open_pulls(NOWHERE, 10) == ()


async def test_comments_are_listed_since_a_time(
    client: GiteeClient, gitee: OfflineGitee, number: int
) -> None:
    ids = [await gitee.comment("lin/shop", number, f"{count}", by="mei") for count in range(103)]
    comments = gitee.comments("lin/shop", number, by="mei")
    comments[0].created_at -= timedelta(hours=1)
    begin = comments[0].created_at + timedelta(minutes=1)

    found = await client.comments_since(REPO, number, begin)
    assert [one.id for one in found] == ids[1:]
    assert [one.body for one in found[:2]] == ["1", "2"]
    assert await client.comments_since(REPO, number, begin + timedelta(days=1)) == ()
    assert await client.comments_since(REPO, 99, begin) == ()


async def test_missing_objects_are_none(client: GiteeClient) -> None:
    assert await client.pull_request(REPO, 99) is None
    assert await client.pull_request(NOWHERE, 1) is None
    assert await client.comment(REPO, 999) is None
    assert await client.changed_files(REPO, 99) == ()
    assert await client.edit_comment(REPO, 999, "x") is False
    assert await client.find_comment(REPO, 99, containing("m"), "chatops-bot") is None


@pytest.mark.parametrize(
    ("repo", "login", "expected"),
    [
        ("shop", "lin", Permission.ADMIN),
        ("shop", "LIN", Permission.ADMIN),
        ("shop", "chatops-bot", Permission.ADMIN),
        ("shop", "mei", Permission.WRITE),
        ("shop", "stranger", Permission.READ),
        ("hidden", "mei", Permission.WRITE),
        ("hidden", "stranger", Permission.NONE),
        ("nowhere", "lin", Permission.NONE),
        ("shop", "../../user", Permission.NONE),
        ("shop", "", Permission.NONE),
    ],
)
async def test_the_current_permission_is_read(
    client: GiteeClient, repo: str, login: str, expected: Permission
) -> None:
    assert await client.permission(RepoPath("lin", repo), login) is expected


async def test_permissions_are_not_cached(client: GiteeClient, gitee: OfflineGitee) -> None:
    assert await client.permission(REPO, "mei") is Permission.WRITE
    gitee.set_permission("lin/shop", "mei", None)
    assert await client.permission(REPO, "mei") is Permission.READ


async def test_files_are_read_at_a_ref(client: GiteeClient, number: int) -> None:
    assert number
    assert await client.file(REPO, "README.md", "master") == b"# shop\n"
    assert await client.file(REPO, "a/b.py", "feature") == b"1\n"
    assert await client.file(REPO, "a/b.py", "master") is None
    assert await client.file(REPO, "a", "feature") is None
    assert await client.file(NOWHERE, "a", "feature") is None


async def test_the_files_of_the_root_are_listed_at_a_ref(client: GiteeClient, number: int) -> None:
    assert number
    assert await client.root_files(REPO, "master") == ("README.md",)
    assert await client.root_files(REPO, "feature") == ("README.md",)
    assert await client.root_files(REPO, "0" * 40) == ()
    assert await client.root_files(NOWHERE, "master") == ()


@pytest.mark.parametrize("path", ["../user", "a/../../b", "/README.md", "", "a\nb"])
async def test_no_path_leaves_the_repository(client: GiteeClient, path: str) -> None:
    assert await client.file(REPO, path, "master") is None


async def test_a_comment_is_posted_and_edited(client: GiteeClient, gitee: OfflineGitee, number: int) -> None:
    posted = await client.post_comment(REPO, number, "构建中 <!-- m:1 -->")
    assert await client.edit_comment(REPO, posted, "完成 <!-- m:1 -->")

    found = await client.comment(REPO, posted)

    assert found is not None
    assert (found.body, found.author, found.number) == ("完成 <!-- m:1 -->", "chatops-bot", number)
    assert found.updated_at >= found.created_at
    assert [comment.body for comment in gitee.comments("lin/shop", number)] == ["完成 <!-- m:1 -->"]


async def test_a_comment_is_found_by_marker_and_author(
    client: GiteeClient, gitee: OfflineGitee, number: int
) -> None:
    first = await client.post_comment(REPO, number, "<!-- m:1 --> old")
    newest = await client.post_comment(REPO, number, "<!-- m:1 --> new")
    other = await client.post_comment(REPO, number, "<!-- m:2 -->")
    await gitee.comment("lin/shop", number, "<!-- m:1 --> forged", by="stranger")
    for index in range(120):
        await gitee.comment("lin/shop", number, f"chat {index}", by="mei")

    found = await client.find_comment(REPO, number, containing("<!-- m:1 -->"), "ChatOps-Bot")

    assert first < newest < other
    assert found is not None
    assert found.id == newest
    assert await client.find_comment(REPO, number, containing("<!-- m:3 -->"), "chatops-bot") is None


async def test_a_wrong_token_is_not_retried(gitee: OfflineGitee) -> None:
    transport = Transport(gitee.api_url, "wrong", ProcessSandbox())
    with pytest.raises(GiveUp) as caught:
        await GiteeClient(transport).whoami()
    await transport.aclose()

    assert caught.value.reason is Reason.GITEE_DENIED
    assert "401" in caught.value.facts["message"]
    assert "wrong" not in str(caught.value)


async def test_a_rate_limit_is_waited_out(client: GiteeClient, gitee: OfflineGitee) -> None:
    gitee.faults.rate_limit(retry_after=17)

    with pytest.raises(RetryLater) as caught:
        await client.whoami()

    assert (caught.value.reason, caught.value.delay) == (Reason.GITEE_UNAVAILABLE, 17)


async def test_webhooks_are_listed_without_their_password(transport: Transport, gitee: OfflineGitee) -> None:
    assert await Hooks(transport).hooks(REPO) == ()
    added = gitee.add_hook(str(REPO), "http://127.0.0.1:9/webhooks/gitee", "sesame", mode="password")

    [listed] = await Hooks(transport).hooks(REPO)

    assert (listed.id, listed.url) == (added.id, "http://127.0.0.1:9/webhooks/gitee")
    assert (listed.comments, listed.pulls) == (True, True)
    assert "sesame" not in repr(listed)


async def test_webhooks_of_a_missing_repository_are_an_error(transport: Transport) -> None:
    with pytest.raises(GiveUp):
        await Hooks(transport).hooks(NOWHERE)
