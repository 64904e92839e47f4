"""How the client reads answers: recorded, unusual and incomplete ones."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import httpx
import pytest

from bot.gitee.client import LARGEST_COMPARISON, LARGEST_FILE
from bot.gitee.hooks import Hooks
from bot.model.errors import GiveUp, RetryLater
from bot.model.forge import Branch, Permission, RepoPath
from tests.gitee.samples import NOW, answer, containing
from tests.gitee.serving import Prepared, json_response

REPO = RepoPath("lin", "shop")
USER = {"login": "chatops-bot", "name": "bot"}
COMMENT = answer("go-scm__pr_comment")
SHA = "ab" * 20
TIP = {"commit": {"sha": SHA}}


@pytest.mark.parametrize("content", [{"content": ""}, {"content": None}])
async def test_an_empty_file_is_not_a_missing_file(content: dict[str, object]) -> None:
    assert await Prepared([json_response(200, content)]).client.file(REPO, "a", "master") == b""


async def test_a_list_of_files_that_is_too_long_has_none() -> None:
    async def endless() -> AsyncIterator[bytes]:
        yield b"["
        while True:
            yield b'{"type": "file", "name": "a"},' * 2000

    assert await Prepared([httpx.Response(200, content=endless())]).client.root_files(REPO, "master") == ()


@pytest.mark.attack
async def test_a_file_of_any_size_is_received_up_to_a_limit() -> None:
    received = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal received
        yield b'{"content": "'
        while True:
            received += 1 << 16
            yield b"A" * (1 << 16)

    gitee = Prepared([httpx.Response(200, content=endless())])

    content = await gitee.client.file(REPO, "a", "master")

    assert content is not None
    assert len(content) == LARGEST_FILE
    assert received < 3 * LARGEST_FILE
    assert gitee.requests[0].headers["Accept-Encoding"] == "identity"


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("admin", Permission.ADMIN),
        ("write", Permission.WRITE),
        ("push", Permission.WRITE),
        ("read", Permission.READ),
        ("ADMIN", Permission.ADMIN),
        ("superuser", Permission.READ),
        ("none", Permission.NONE),
        (None, Permission.READ),
    ],
)
async def test_unknown_permission_values_do_not_grant_write(word: str | None, expected: Permission) -> None:
    gitee = Prepared([json_response(200, {"login": "Mei", "permission": word})])

    assert await gitee.client.permission(REPO, "mei") is expected


async def test_the_permission_of_another_account_is_ignored() -> None:
    gitee = Prepared([json_response(200, {"login": "lin", "permission": "admin"})])

    with pytest.raises(RetryLater):
        await gitee.client.permission(REPO, "mei")


def organization(**fields: object) -> httpx.Response:
    namespace = {"type": "group", "path": "Guild"}
    return json_response(
        200, {"namespace": namespace, "path": "shop", "public": True, "private": False} | fields
    )


@pytest.mark.parametrize(
    ("membership", "expected"),
    [
        (json_response(200, answer("go-scm__membership")), Permission.ADMIN),
        (json_response(200, {"active": True, "role": "member"}), Permission.READ),
        (json_response(200, {"active": False, "role": "admin"}), Permission.READ),
        (json_response(404), Permission.READ),
        (json_response(403), Permission.READ),
        (json_response(200, []), Permission.READ),
    ],
)
async def test_owners_of_an_organization_are_admins_without_being_members(
    membership: httpx.Response, expected: Permission
) -> None:
    gitee = Prepared([json_response(404), organization(), membership])

    assert await gitee.client.permission(RepoPath("guild", "shop"), "mei") is expected
    assert gitee.requests[2].url.path == "/api/v5/orgs/guild/memberships/mei"


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"public": True}, Permission.READ),
        ({"public": None, "private": False}, Permission.READ),
        ({"public": False, "private": True}, Permission.NONE),
        ({"public": False, "private": False, "internal": True}, Permission.NONE),
        ({"public": None, "private": None}, Permission.NONE),
    ],
)
async def test_non_members_can_read_only_public_repositories(
    fields: dict[str, object], expected: Permission
) -> None:
    gitee = Prepared([json_response(404), organization(**fields), json_response(404)])

    assert await gitee.client.permission(RepoPath("guild", "shop"), "mei") is expected


@pytest.mark.parametrize("name", ["go-scm__pr", "devops-scm__get_pull_request"])
async def test_recorded_pull_requests_are_read(name: str) -> None:
    recorded = answer(name)

    pull = await Prepared([json_response(200, recorded)]).client.pull_request(REPO, 1)

    assert pull is not None
    assert pull.number == recorded["number"]
    assert pull.head.sha == recorded["head"]["sha"]
    assert pull.clone_url == recorded["base"]["repo"]["html_url"]


async def test_half_a_character_is_replaced_in_answers_and_lists() -> None:
    recorded = {**answer("go-scm__pr"), "title": "half \ud83d, whole \U0001f680"}
    said = {**COMMENT, "body": "/build \udfff"}
    gitee = Prepared([httpx.Response(200, content=json.dumps(body)) for body in (recorded, [said])])

    pull = await gitee.client.pull_request(REPO, 1)
    [comment] = await gitee.client.comments_since(REPO, 1, datetime.min.replace(tzinfo=UTC))

    assert pull is not None
    assert (pull.title, comment.body) == ("half ?, whole \U0001f680", "/build ?")


async def test_recorded_files_and_comments_are_read() -> None:
    files = answer("go-scm__pr_files")
    paths = await Prepared([json_response(200, files)]).client.changed_files(REPO, 1)
    assert set(paths) >= {file["filename"] for file in files}

    comment = await Prepared([json_response(200, COMMENT)]).client.comment(REPO, 1)
    assert comment is not None
    assert (comment.id, comment.body, comment.number) == (6922557, "test comment 1", 7)
    assert comment.created_at.utcoffset() is not None


COMPARED = {"merge_base_commit": {"sha": SHA}, "truncated": False}
ADDED = {"filename": "a.md", "status": "added"}


@pytest.mark.parametrize(
    ("change", "paths"),
    [
        ({}, ("a.md",)),
        ({"files": []}, ()),
        ({"truncated": True}, None),
        ({"truncated": None}, None),
        ({"files": [ADDED] * 300}, None),
        ({"files": [ADDED, {"filename": "b.md", "status": "renamed"}]}, None),
        ({"merge_base_commit": {"sha": "cd" * 20}}, None),
    ],
)
async def test_only_a_complete_comparison_lists_paths(
    change: dict[str, object], paths: tuple[str, ...] | None
) -> None:
    answered = json_response(200, {**COMPARED, "files": [ADDED], **change})

    assert await Prepared([answered]).client.changed_between(REPO, SHA, "ef" * 20) == paths


@pytest.mark.attack
async def test_comparisons_and_messages_of_any_size_are_received_up_to_a_limit() -> None:
    received = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal received
        while True:
            received += 1 << 16
            yield b" " * (1 << 16)

    gitee = Prepared([httpx.Response(200, content=endless()), httpx.Response(200, content=endless())])

    assert await gitee.client.changed_between(REPO, SHA, "ef" * 20) is None
    assert await gitee.client.commit_message(REPO, SHA) == ""
    assert received <= LARGEST_COMPARISON + LARGEST_FILE + (4 << 16)


async def test_the_message_of_another_commit_does_not_count() -> None:
    listed = [{"sha": "cd" * 20, "commit": {"message": "[skip ci]"}}]

    assert await Prepared([json_response(200, listed)]).client.commit_message(REPO, SHA) == ""


async def test_a_renamed_file_counts_under_both_names() -> None:
    file = {"filename": "new.py", "patch": {"old_path": "old.py", "new_path": "new.py"}}

    assert await Prepared([json_response(200, [file])]).client.changed_files(REPO, 1) == ("new.py", "old.py")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("state", "frozen"),
        ("number", "x"),
        ("head", {"sha": "abc", "ref": "x"}),
        ("user", None),
        ("base", {}),
    ],
)
async def test_an_incomplete_pull_request_is_an_error(field: str, value: object) -> None:
    gitee = Prepared([json_response(200, answer("go-scm__pr") | {field: value})])

    with pytest.raises(RetryLater):
        await gitee.client.pull_request(REPO, 1)


async def test_a_pull_request_without_a_valid_url_or_path_is_an_error() -> None:
    for lost in ({"html_url": None}, {"html_url": "javascript:x"}, {"path": "../x"}, {"namespace": None}):
        recorded = answer("go-scm__pr")
        recorded["base"]["repo"].update(lost)
        with pytest.raises(RetryLater):
            await Prepared([json_response(200, recorded)]).client.pull_request(REPO, 1)


async def test_the_clone_url_is_the_browser_url_with_a_suffix() -> None:
    recorded = answer("go-scm__pr")
    recorded["base"]["repo"]["html_url"] = "https://gitee.com/lin/shop/"

    pull = await Prepared([json_response(200, recorded)]).client.pull_request(REPO, 1)

    assert pull is not None
    assert pull.clone_url == "https://gitee.com/lin/shop.git"


async def test_the_pull_request_of_a_comment_comes_from_either_url() -> None:
    elsewhere = "https://gitee.com/lin/shop/issues/I1"
    recorded = RepoPath("user03", "drone-yml-test")
    for lost, place in (
        ({"pull_request_url": None}, (recorded, 7)),
        ({"html_url": None}, (recorded, 7)),
        ({"pull_request_url": None, "html_url": elsewhere}, (None, None)),
    ):
        comment = await Prepared([json_response(200, COMMENT | lost)]).client.comment(REPO, 1)
        assert comment is not None
        assert (comment.repo, comment.number) == place


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ([json_response(200, [{"login": "mei", "permissions": {"push": True, "admin": False}}])], {"mei"}),
        ([json_response(200, [{"login": "mei", "permissions": {"push": False, "admin": False}}])], set()),
        ([json_response(200, [{"login": "mei", "permissions": {"push": False, "admin": True}}])], {"mei"}),
        ([json_response(200, [{"login": "mei"}])], {"mei"}),
        ([json_response(200, [])], set()),
        ([json_response(403), json_response(200, answer("go-scm__repo"))], {"user03"}),
        ([json_response(404), json_response(200, {"members": ["mei", "lin"]})], {"mei", "lin"}),
        ([json_response(403), json_response(200, {"members": None})], None),
        ([json_response(404), json_response(404)], None),
        ([json_response(403), json_response(403)], None),
    ],
)
async def test_those_who_may_push_are_the_collaborators_or_the_members(
    answers: list[httpx.Response | Exception], expected: set[str] | None
) -> None:
    assert await Prepared(answers).client.pushers(REPO) == expected


async def test_collaborators_are_one_page_with_what_the_list_says_of_each() -> None:
    people = [
        {"login": "lin", "permissions": {"pull": True, "push": True, "admin": True}},
        {"login": "mei", "permissions": {"push": True}},
        {"login": "nosy", "permissions": {"push": "true"}},
        {"login": "silent"},
    ]
    gitee = Prepared([json_response(200, people)])
    assert await gitee.client.collaborators(REPO) == {
        "lin": Permission.ADMIN,
        "mei": Permission.WRITE,
        "nosy": Permission.READ,
        "silent": Permission.READ,
    }
    assert len(gitee.requests) == 1
    assert await Prepared([json_response(404)]).client.collaborators(REPO) == {}


@pytest.mark.parametrize(
    ("response", "expected"),
    [
        (json_response(200, {"protected": True} | TIP), Branch(SHA, protected=True)),
        (json_response(200, {"protected": False} | TIP), Branch(SHA, protected=False)),
        (json_response(200, {"protected": "true"} | TIP), Branch(SHA, protected=False)),
        (json_response(404), None),
    ],
)
async def test_a_branch_is_protected_only_if_gitee_says_so(
    response: httpx.Response, expected: Branch | None
) -> None:
    gitee = Prepared([response])

    assert await gitee.client.branch(REPO, "release/1") == expected
    assert gitee.requests[0].url.path.endswith("/branches/release/1")


async def test_a_branch_without_a_commit_cannot_be_read() -> None:
    with pytest.raises(RetryLater):
        await Prepared([json_response(200, {"commit": {"sha": "release"}})]).client.branch(REPO, "release")


async def test_a_time_without_a_zone_is_an_error() -> None:
    naive = COMMENT | {"created_at": "2021-10-07T09:26:45"}

    with pytest.raises(RetryLater):
        await Prepared([json_response(200, naive)]).client.comment(REPO, 1)


async def test_an_html_error_page_is_an_error() -> None:
    with pytest.raises(GiveUp):
        await Prepared([httpx.Response(403, text="<html>")]).client.whoami()


async def test_closing_closes_the_connections() -> None:
    gitee = Prepared([json_response(200, USER)])

    await gitee.client.aclose()

    assert gitee.http.is_closed


def page(*numbers: int) -> list[object]:
    return [COMMENT | {"id": number, "body": "<!-- m -->", "user": {"login": "bot"}} for number in numbers]


async def test_all_pages_are_read_in_ascending_order() -> None:
    counted = {"total_page": "2"}
    gitee = Prepared([json_response(200, page(1, 2), counted), json_response(200, page(3, 4), counted)])

    found = await gitee.client.find_comment(REPO, 1, containing("<!-- m -->"), "bot")

    assert found is not None
    assert found.id == 4
    assert [request.url.params["page"] for request in gitee.requests] == ["1", "2"]


async def test_a_search_in_descending_order_starts_at_the_newest() -> None:
    gitee = Prepared([json_response(200, page(9, 8), {"total_page": "50"})])

    found = await gitee.client.find_comment(REPO, 1, containing("<!-- m -->"), "bot")

    assert found is not None
    assert found.id == 9
    assert len(gitee.requests) == 1


async def test_without_a_count_a_full_page_is_followed_by_the_next() -> None:
    gitee = Prepared([json_response(200, page(*range(1, 101))), json_response(200, page(101))])

    found = await gitee.client.find_comment(REPO, 1, containing("<!-- m -->"), "bot")

    assert found is not None
    assert found.id == 101


async def test_the_number_of_pages_is_limited() -> None:
    gitee = Prepared([json_response(200, [], {"total_page": "99999999"})])

    assert await gitee.client.find_comment(REPO, 1, containing("m"), "bot") is None
    assert len(gitee.requests) == 100


async def test_an_invalid_webhook_response_is_retried_later() -> None:
    with pytest.raises(RetryLater):
        await Hooks(Prepared([json_response(200, [5])]).transport).hooks(REPO)


async def test_an_invalid_pull_request_in_a_list_is_skipped() -> None:
    good = answer("go-scm__pr")
    broken = {**good, "number": 7, "head": {**good["head"], "sha": ""}}
    gitee = Prepared([json_response(200, [broken, good])])

    found = await gitee.client.pulls_updated(REPO, NOW, 10)

    assert [one.pull.number for one in found] == [good["number"]]
    asked = gitee.requests[0].url.params
    assert (asked["state"], asked["sort"], asked["direction"]) == ("all", "updated", "asc")
    assert datetime.fromisoformat(asked["since"]) == NOW.replace(microsecond=0)
