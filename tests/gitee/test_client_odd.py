"""The client against answers, stalls and shapes that no well-behaved Gitee gives."""

import logging
from email.utils import format_datetime

import httpx
import pytest

from bot.gitee.hooks import Hooks
from bot.gitee.signature import Mode
from bot.gitee.transport import BACKOFF
from bot.model.errors import CommentRefused, GiveUp, RetryLater
from bot.model.forge import Permission, RepoPath
from bot.model.reason import Reason
from tests.gitee.samples import NOW, answer
from tests.gitee.serving import API, TOKEN, Answer, Prepared, told

REPO = RepoPath("lin", "shop")
USER = {"login": "chatops-bot", "name": "bot"}
COMMENT = answer("go-scm__pr_comment")
LOST = httpx.ReadTimeout("slow")


async def test_the_token_is_sent_in_a_header_and_shown_nowhere(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    gitee = Prepared([told(503), LOST, told(401, {"message": "401 Unauthorized"})])

    with pytest.raises(GiveUp) as error:
        await gitee.client.whoami()

    assert [request.headers["Authorization"] for request in gitee.requests] == [f"Bearer {TOKEN}"] * 3
    assert TOKEN not in "".join(str(request.url) for request in gitee.requests)
    for shown in (
        caplog.text,
        repr(gitee.transport),
        repr(gitee.client),
        repr(error.value),
        str(error.value),
    ):
        assert TOKEN not in shown


@pytest.mark.parametrize(
    "trouble", [told(500), told(502), told(503), told(504), LOST, httpx.ConnectError("no")]
)
async def test_a_get_survives_as_many_troubles_as_there_are_pauses(trouble: Answer) -> None:
    gitee = Prepared([trouble, trouble, told(200, USER)])

    assert (await gitee.client.whoami()).login == "chatops-bot"
    assert gitee.pauses == list(BACKOFF)


@pytest.mark.parametrize("trouble", [told(503), LOST, httpx.RemoteProtocolError("closed")])
async def test_lasting_trouble_is_for_later(trouble: Answer) -> None:
    gitee = Prepared([trouble])

    with pytest.raises(RetryLater) as error:
        await gitee.client.edit_comment(REPO, 7, "body")

    assert error.value.reason is Reason.GITEE_UNAVAILABLE
    assert "PATCH /repos/lin/shop/pulls/comments/7" in error.value.facts["message"]
    assert len(gitee.requests) == len(BACKOFF) + 1


@pytest.mark.parametrize(
    "trouble", [told(500), told(502), told(504), LOST, httpx.RemoteProtocolError("closed")]
)
async def test_a_post_that_may_have_arrived_is_not_repeated(trouble: Answer) -> None:
    gitee = Prepared([trouble])

    with pytest.raises(RetryLater):
        await gitee.client.post_comment(REPO, 7, "body")

    assert len(gitee.requests) == 1


async def test_a_post_that_cannot_have_arrived_is_repeated() -> None:
    gitee = Prepared([httpx.ConnectError("refused"), httpx.ConnectTimeout("slow"), told(201, {"id": 5})])

    assert await gitee.client.post_comment(REPO, 7, "body") == 5


@pytest.mark.parametrize(
    ("status", "headers", "body", "delay"),
    [
        (429, {"Retry-After": "12"}, {}, 12.0),
        (429, {"Retry-After": format_datetime(NOW.replace(second=30), usegmt=True)}, {}, 30.0),
        (429, {"Retry-After": "soon"}, {}, None),
        (429, {}, {}, None),
        (429, {"Retry-After": "999999"}, {}, 3600.0),
        (
            403,
            {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(int(NOW.timestamp()) + 44)},
            "limit",
            44.0,
        ),
        (403, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "5"}, "limit", 0.0),
        (403, {"X-RateLimit-Remaining": "9", "X-RateLimit-Reset": "9999999999"}, "limit", None),
        (403, {"X-RateLimit-Reset": "x"}, "limit", None),
    ],
)
async def test_a_limit_says_how_long_to_wait(
    status: int, headers: dict[str, str], body: object, delay: float | None
) -> None:
    message = {"message": "403 Forbidden: API Rate Limit exceeded"} if body == "limit" else body
    gitee = Prepared([told(status, message, headers)])

    with pytest.raises(RetryLater) as error:
        await gitee.client.whoami()

    assert (error.value.reason, error.value.delay) == (Reason.GITEE_UNAVAILABLE, delay)
    assert len(gitee.requests) == 1


@pytest.mark.parametrize("status", [400, 401, 403, 405, 409, 422])
async def test_a_refusal_is_given_up_at_once(status: int) -> None:
    gitee = Prepared([told(status, {"message": "no\nway"})])

    with pytest.raises(GiveUp) as error:
        await gitee.client.whoami()

    assert not isinstance(error.value, CommentRefused)
    assert error.value.reason is Reason.GITEE_DENIED
    assert error.value.facts["message"] == f"GET /user: {status} no way"
    assert len(gitee.requests) == 1


@pytest.mark.parametrize("status", [400, 413, 422])
async def test_refused_words_are_told_apart(status: int) -> None:
    gitee = Prepared([told(status, {"message": ["内容包含敏感词"]})])

    with pytest.raises(CommentRefused):
        await gitee.client.post_comment(REPO, 7, "body")
    with pytest.raises(CommentRefused):
        await gitee.client.edit_comment(REPO, 7, "body")


@pytest.mark.parametrize(
    "body", [{"error": "no"}, {"messages": ["no"]}, {"error_description": "no"}, ["no"], "no"]
)
async def test_an_error_says_so_in_any_shape(body: object) -> None:
    with pytest.raises(GiveUp) as error:
        await Prepared([told(403, body)]).client.whoami()

    assert "no" in error.value.facts["message"].removeprefix("GET /user: 403 ")


async def test_a_post_to_nothing_is_given_up() -> None:
    with pytest.raises(GiveUp):
        await Prepared([told(404)]).client.post_comment(REPO, 7, "body")


@pytest.mark.parametrize(
    "response",
    [
        httpx.Response(200, text="<html>maintenance</html>"),
        httpx.Response(200, text=""),
        httpx.Response(200, json=[]),
        httpx.Response(200, json={}),
        httpx.Response(200, json="x"),
        httpx.Response(200, json=5),
    ],
)
async def test_a_success_in_form_only_is_for_later(response: httpx.Response) -> None:
    for call in (
        Prepared([response]).client.whoami(),
        Prepared([response]).client.pull_request(REPO, 1),
        Prepared([response]).client.comment(REPO, 1),
        Prepared([response]).client.post_comment(REPO, 1, "x"),
    ):
        with pytest.raises(RetryLater) as error:
            await call
        assert error.value.reason is Reason.GITEE_UNAVAILABLE


async def test_a_list_that_is_none_is_for_later() -> None:
    gitee = Prepared([httpx.Response(200, json={"items": []})])

    with pytest.raises(RetryLater):
        await gitee.client.find_comment(REPO, 1, "m", "bot")


async def test_a_renamed_repository_is_followed_with_the_token() -> None:
    there = {"Location": "/api/v5/repos/mei/shop/pulls/1"}
    gitee = Prepared([told(301, headers=there), told(200, answer("go-scm__pr"))])

    pull = await gitee.client.pull_request(REPO, 1)

    assert pull is not None
    assert str(gitee.requests[1].url) == f"{API}/repos/mei/shop/pulls/1"
    assert gitee.requests[1].headers["Authorization"] == f"Bearer {TOKEN}"


@pytest.mark.parametrize(
    "location",
    [
        "https://evil.example/api/v5/user",
        "http://gitee.example/api/v5/user",
        "https://gitee.example:8443/api/v5/user",
        "//evil.example/api/v5/user",
        "/login",
        "/api/v5evil/user",
    ],
)
async def test_a_redirect_elsewhere_is_not_followed(location: str) -> None:
    gitee = Prepared([told(302, headers={"Location": location}), told(200, USER)])

    with pytest.raises(GiveUp):
        await gitee.client.whoami()

    assert len(gitee.requests) == 1


async def test_redirects_do_not_go_round_for_ever() -> None:
    gitee = Prepared([told(302, headers={"Location": "/api/v5/user"})])

    with pytest.raises(GiveUp):
        await gitee.client.whoami()

    assert len(gitee.requests) == 3


async def test_every_exchange_is_observed_by_its_route() -> None:
    gitee = Prepared([told(503), LOST, told(404)])

    await gitee.client.pull_request(RepoPath("some-owner", "x"), 12)

    route = "/repos/{owner}/{repo}/pulls/{number}"
    assert gitee.observed == [("GET", route, 503), ("GET", route, 0), ("GET", route, 404)]


async def test_values_cannot_leave_their_place_in_the_address() -> None:
    gitee = Prepared([told(200, {"content": "eA==", "encoding": "base64"})])

    assert await gitee.client.file(RepoPath("a/b", "c?d"), "e#f/g h%2F", "re&f=1") == b"x"

    assert gitee.requests[0].url.raw_path == (
        b"/api/v5/repos/a%2Fb/c%3Fd/contents/e%23f/g%20h%252F?ref=re%26f%3D1"
    )


@pytest.mark.parametrize("content", [{"content": ""}, {"content": None}])
async def test_an_empty_file_is_empty_not_absent(content: dict[str, object]) -> None:
    assert await Prepared([told(200, content)]).client.file(REPO, "a", "master") == b""


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
async def test_new_words_for_permission_let_nobody_write(word: str | None, expected: Permission) -> None:
    gitee = Prepared([told(200, {"login": "Mei", "permission": word})])

    assert await gitee.client.permission(REPO, "mei") is expected


async def test_somebody_elses_permission_is_not_this_persons() -> None:
    gitee = Prepared([told(200, {"login": "lin", "permission": "admin"})])

    with pytest.raises(RetryLater):
        await gitee.client.permission(REPO, "mei")


def organisation(**fields: object) -> httpx.Response:
    namespace = {"type": "group", "path": "Guild"}
    return told(200, {"namespace": namespace, "path": "shop", "public": True, "private": False} | fields)


@pytest.mark.parametrize(
    ("membership", "expected"),
    [
        (told(200, answer("go-scm__membership")), Permission.ADMIN),
        (told(200, {"active": True, "role": "member"}), Permission.READ),
        (told(200, {"active": False, "role": "admin"}), Permission.READ),
        (told(404), Permission.READ),
        (told(403), Permission.READ),
        (told(200, []), Permission.READ),
    ],
)
async def test_owners_of_an_organisation_are_admins_without_being_members(
    membership: httpx.Response, expected: Permission
) -> None:
    gitee = Prepared([told(404), organisation(), membership])

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
async def test_strangers_read_only_what_is_public(fields: dict[str, object], expected: Permission) -> None:
    gitee = Prepared([told(404), organisation(**fields), told(404)])

    assert await gitee.client.permission(RepoPath("guild", "shop"), "mei") is expected


@pytest.mark.parametrize("name", ["go-scm__pr", "devops-scm__get_pull_request"])
async def test_recorded_pull_requests_are_read(name: str) -> None:
    recorded = answer(name)

    pull = await Prepared([told(200, recorded)]).client.pull_request(REPO, 1)

    assert pull is not None
    assert pull.number == recorded["number"]
    assert pull.head.sha == recorded["head"]["sha"]
    assert pull.clone_url == recorded["base"]["repo"]["html_url"]


async def test_recorded_files_and_comments_are_read() -> None:
    files = answer("go-scm__pr_files")
    paths = await Prepared([told(200, files)]).client.changed_files(REPO, 1)
    assert set(paths) >= {file["filename"] for file in files}

    comment = await Prepared([told(200, COMMENT)]).client.comment(REPO, 1)
    assert comment is not None
    assert (comment.id, comment.body, comment.number) == (6922557, "test comment 1", 7)
    assert comment.created_at.utcoffset() is not None


async def test_a_renamed_file_counts_under_both_names() -> None:
    file = {"filename": "new.py", "patch": {"old_path": "old.py", "new_path": "new.py"}}

    assert await Prepared([told(200, [file])]).client.changed_files(REPO, 1) == ("new.py", "old.py")


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
async def test_half_a_pull_request_is_none_at_all(field: str, value: object) -> None:
    gitee = Prepared([told(200, answer("go-scm__pr") | {field: value})])

    with pytest.raises(RetryLater):
        await gitee.client.pull_request(REPO, 1)


async def test_a_pull_request_without_a_usable_address_or_path_is_none_at_all() -> None:
    for lost in ({"html_url": None}, {"html_url": "javascript:x"}, {"path": "../x"}, {"namespace": None}):
        recorded = answer("go-scm__pr")
        recorded["base"]["repo"].update(lost)
        with pytest.raises(RetryLater):
            await Prepared([told(200, recorded)]).client.pull_request(REPO, 1)


async def test_an_address_for_browsers_serves_git_with_a_suffix() -> None:
    recorded = answer("go-scm__pr")
    recorded["base"]["repo"]["html_url"] = "https://gitee.com/lin/shop/"

    pull = await Prepared([told(200, recorded)]).client.pull_request(REPO, 1)

    assert pull is not None
    assert pull.clone_url == "https://gitee.com/lin/shop.git"


async def test_a_comment_knows_its_pull_request_from_either_address() -> None:
    elsewhere = "https://gitee.com/lin/shop/issues/I1"
    for lost, number in (
        ({"pull_request_url": None}, 7),
        ({"html_url": None}, 7),
        ({"pull_request_url": None, "html_url": elsewhere}, None),
    ):
        comment = await Prepared([told(200, COMMENT | lost)]).client.comment(REPO, 1)
        assert comment is not None
        assert comment.number == number


async def test_a_time_without_a_zone_is_none_at_all() -> None:
    naive = COMMENT | {"created_at": "2021-10-07T09:26:45"}

    with pytest.raises(RetryLater):
        await Prepared([told(200, naive)]).client.comment(REPO, 1)


async def test_an_error_page_instead_of_json_is_still_an_error() -> None:
    with pytest.raises(GiveUp):
        await Prepared([httpx.Response(403, text="<html>")]).client.whoami()


async def test_closing_closes_the_connections() -> None:
    gitee = Prepared([told(200, USER)])

    await gitee.client.aclose()

    assert gitee.http.is_closed


def page(*numbers: int) -> list[object]:
    return [COMMENT | {"id": number, "body": "<!-- m -->", "user": {"login": "bot"}} for number in numbers]


async def test_pages_are_read_to_the_end_where_gitee_counts_upwards() -> None:
    counted = {"total_page": "2"}
    gitee = Prepared([told(200, page(1, 2), counted), told(200, page(3, 4), counted)])

    found = await gitee.client.find_comment(REPO, 1, "<!-- m -->", "bot")

    assert found is not None
    assert found.id == 4
    assert [request.url.params["page"] for request in gitee.requests] == ["1", "2"]


async def test_the_search_ends_at_the_newest_where_gitee_counts_downwards() -> None:
    gitee = Prepared([told(200, page(9, 8), {"total_page": "50"})])

    found = await gitee.client.find_comment(REPO, 1, "<!-- m -->", "bot")

    assert found is not None
    assert found.id == 9
    assert len(gitee.requests) == 1


async def test_without_a_count_a_full_page_asks_for_the_next() -> None:
    gitee = Prepared([told(200, page(*range(1, 101))), told(200, page(101))])

    found = await gitee.client.find_comment(REPO, 1, "<!-- m -->", "bot")

    assert found is not None
    assert found.id == 101


async def test_endless_pages_end() -> None:
    gitee = Prepared([told(200, [], {"total_page": "99999999"})])

    assert await gitee.client.find_comment(REPO, 1, "m", "bot") is None
    assert len(gitee.requests) == 100


@pytest.mark.parametrize(
    ("mode", "kind"), [(Mode.PASSWORD, b'"encryption_type":0'), (Mode.SIGN, b'"encryption_type":1')]
)
async def test_a_hook_is_asked_for_in_its_mode_and_without_pushes(mode: Mode, kind: bytes) -> None:
    gitee = Prepared([told(201, answer("devops-scm__add_hook"))])

    hook = await Hooks(gitee.transport).add_hook(REPO, "https://bot.example/webhooks/gitee", "sesame", mode)

    assert hook.id == 12345
    assert kind in gitee.requests[0].content
    assert b'"push_events":false' in gitee.requests[0].content


async def test_what_is_no_hook_is_for_later() -> None:
    with pytest.raises(RetryLater):
        await Hooks(Prepared([told(200, [5])]).transport).hooks(REPO)
