"""How the client sends requests: retries, refusals, redirects and rate limits, with prepared answers."""

import logging
from email.utils import format_datetime
from typing import Any

import httpx
import pytest

from bot.gitee.client import GiteeClient
from bot.gitee.transport import BACKOFF, SMALL, Transport
from bot.model.errors import AnswerLost, CommentRefused, GiveUp, RetryLater, TooExpensive
from bot.model.forge import RepoPath
from bot.model.reason import Reason
from bot.sandbox.process import ProcessSandbox
from tests.gitee.samples import NOW, answer, containing
from tests.gitee.serving import API, TOKEN, Answer, Prepared, json_response

REPO = RepoPath("lin", "shop")
USER = {"login": "chatops-bot", "name": "bot"}
LOST = httpx.ReadTimeout("slow")


async def test_the_token_is_sent_only_in_a_header(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    gitee = Prepared([json_response(503), LOST, json_response(401, {"message": "401 Unauthorized"})])

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
    "trouble",
    [
        json_response(500),
        json_response(502),
        json_response(503),
        json_response(504),
        LOST,
        httpx.ConnectError("no"),
    ],
)
async def test_a_get_is_retried_after_each_pause(trouble: Answer) -> None:
    gitee = Prepared([trouble, trouble, json_response(200, USER)])

    assert (await gitee.client.whoami()).login == "chatops-bot"
    assert gitee.pauses == list(BACKOFF)


@pytest.mark.parametrize("trouble", [json_response(503), LOST, httpx.RemoteProtocolError("closed")])
async def test_a_lasting_failure_is_retried_later(trouble: Answer) -> None:
    gitee = Prepared([trouble])

    with pytest.raises(RetryLater) as error:
        await gitee.client.delete_comment(REPO, 7)

    assert error.value.reason is Reason.GITEE_UNAVAILABLE
    assert "DELETE /repos/lin/shop/pulls/comments/7" in error.value.facts["message"]
    assert len(gitee.requests) == len(BACKOFF) + 1


async def test_an_answer_that_is_too_large_is_asked_for_again_later() -> None:
    class Exhausted(ProcessSandbox):
        async def call(self, *_: object, **__: object) -> Any:
            raise TooExpensive({})

    http = httpx.AsyncClient(
        transport=httpx.MockTransport(lambda _: httpx.Response(200, content=b" " * (SMALL + 1)))
    )
    client = GiteeClient(Transport(API, TOKEN, Exhausted(), http=http))
    with pytest.raises(RetryLater, match="too large"):
        await client.pull_request(REPO, 1)
    await client.aclose()


async def test_requests_time_out() -> None:
    transport = Transport(API, TOKEN, ProcessSandbox())
    await transport.aclose()

    limits = transport._http.timeout.as_dict()
    assert {name for name, seconds in limits.items() if seconds} == {"connect", "read", "write", "pool"}


@pytest.mark.parametrize(
    "trouble",
    [json_response(502), json_response(504), LOST, httpx.RemoteProtocolError("closed")],
)
@pytest.mark.parametrize("write", ["post_comment", "edit_comment"])
async def test_a_change_that_may_have_arrived_is_not_repeated(trouble: Answer, write: str) -> None:
    gitee = Prepared([trouble])

    with pytest.raises(AnswerLost):
        await getattr(gitee.client, write)(REPO, 7, "body")

    assert len(gitee.requests) == 1


@pytest.mark.parametrize("trouble", [httpx.ConnectError("refused"), json_response(429), json_response(500)])
async def test_a_request_that_changed_nothing_lost_no_answer(trouble: Answer) -> None:
    gitee = Prepared([trouble])

    with pytest.raises(RetryLater) as error:
        await gitee.client.edit_comment(REPO, 7, "body")

    assert not isinstance(error.value, AnswerLost)


async def test_a_post_that_cannot_have_arrived_is_repeated() -> None:
    gitee = Prepared(
        [httpx.ConnectError("refused"), httpx.ConnectTimeout("slow"), json_response(201, {"id": 5})]
    )

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
async def test_a_rate_limit_contains_the_delay(
    status: int, headers: dict[str, str], body: object, delay: float | None
) -> None:
    message = {"message": "403 Forbidden: API Rate Limit exceeded"} if body == "limit" else body
    gitee = Prepared([json_response(status, message, headers)])

    with pytest.raises(RetryLater) as error:
        await gitee.client.whoami()

    assert (error.value.reason, error.value.delay) == (Reason.GITEE_UNAVAILABLE, delay)
    assert len(gitee.requests) == 1


@pytest.mark.parametrize("answer", [json_response(503), httpx.ConnectError("refused")])
async def test_a_ping_is_one_attempt(answer: httpx.Response | httpx.TransportError) -> None:
    gitee = Prepared([answer])

    with pytest.raises(RetryLater):
        await gitee.client.ping()

    assert len(gitee.requests) == 1


@pytest.mark.parametrize("status", [400, 401, 403, 405, 409, 422])
async def test_a_refusal_is_not_retried(status: int) -> None:
    gitee = Prepared([json_response(status, {"message": "no\nway"})])

    with pytest.raises(GiveUp) as error:
        await gitee.client.whoami()

    assert not isinstance(error.value, CommentRefused)
    assert error.value.reason is Reason.GITEE_DENIED
    assert error.value.facts["message"] == f"GET /user: {status} no way"
    assert len(gitee.requests) == 1


@pytest.mark.parametrize("status", [400, 413, 422])
async def test_refusals_by_the_content_filter_are_recognized(status: int) -> None:
    gitee = Prepared([json_response(status, {"message": ["内容包含敏感词"]})])

    with pytest.raises(CommentRefused):
        await gitee.client.post_comment(REPO, 7, "body")
    with pytest.raises(CommentRefused):
        await gitee.client.edit_comment(REPO, 7, "body")


@pytest.mark.parametrize(
    "body", [{"error": "no"}, {"messages": ["no"]}, {"error_description": "no"}, ["no"], "no"]
)
async def test_error_messages_are_read_in_all_formats(body: object) -> None:
    with pytest.raises(GiveUp) as error:
        await Prepared([json_response(403, body)]).client.whoami()

    assert "no" in error.value.facts["message"].removeprefix("GET /user: 403 ")


async def test_a_post_to_a_missing_object_is_not_retried() -> None:
    with pytest.raises(GiveUp):
        await Prepared([json_response(404)]).client.post_comment(REPO, 7, "body")


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
async def test_a_success_with_an_invalid_body_is_retried_later(response: httpx.Response) -> None:
    for call in (
        Prepared([response]).client.whoami(),
        Prepared([response]).client.pull_request(REPO, 1),
        Prepared([response]).client.comment(REPO, 1),
        Prepared([response]).client.post_comment(REPO, 1, "x"),
    ):
        with pytest.raises(RetryLater) as error:
            await call
        assert error.value.reason is Reason.GITEE_UNAVAILABLE


async def test_an_invalid_list_is_retried_later() -> None:
    gitee = Prepared([httpx.Response(200, json={"items": []})])

    with pytest.raises(RetryLater):
        await gitee.client.find_comment(REPO, 1, containing("m"), "bot")


async def test_a_renamed_repository_is_followed_with_the_token() -> None:
    there = {"Location": "/api/v5/repos/mei/shop/pulls/1"}
    gitee = Prepared([json_response(301, headers=there), json_response(200, answer("go-scm__pr"))])

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
async def test_a_redirect_to_another_host_is_not_followed(location: str) -> None:
    gitee = Prepared([json_response(302, headers={"Location": location}), json_response(200, USER)])

    with pytest.raises(GiveUp):
        await gitee.client.whoami()

    assert len(gitee.requests) == 1


async def test_the_number_of_redirects_is_limited() -> None:
    gitee = Prepared([json_response(302, headers={"Location": "/api/v5/user"})])

    with pytest.raises(GiveUp):
        await gitee.client.whoami()

    assert len(gitee.requests) == 3


async def test_values_cannot_change_the_path_of_the_url() -> None:
    gitee = Prepared([json_response(200, {"content": "eA==", "encoding": "base64"})])

    assert await gitee.client.file(RepoPath("a/b", "c?d"), "e#f/g h%2F", "re&f=1") == b"x"

    assert gitee.requests[0].url.raw_path == (
        b"/api/v5/repos/a%2Fb/c%3Fd/contents/e%23f/g%20h%252F?ref=re%26f%3D1"
    )
