"""Readiness with an Ingress controller that changes its routes during the requests."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from bot.model.errors import TellUser
from bot.model.reason import Reason
from bot.runners.kubernetes import readiness
from bot.runners.kubernetes.readiness import (
    Answer,
    ReadinessCheck,
    reached,
    unrouted,
    until_ready,
    until_unrouted,
)

HOST = "pr-12-shop.preview.test"
NOT_FOUND = Answer(404, "no such host", "HTTP 404")
Answers = Callable[[web.BaseRequest], web.Response]


@asynccontextmanager
async def controller(answers: Answers) -> AsyncIterator[str]:
    async def handle(request: web.BaseRequest) -> web.Response:
        return answers(request)

    runner = web.ServerRunner(web.Server(handle))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readiness, "INTERVAL", 0)


def said(answers: Iterator[int]) -> tuple[Answers, list[int]]:
    """Answer requests for the environment's host with these, repeating the last, and all others with 404."""
    statuses: list[int] = []

    def answer(request: web.BaseRequest) -> web.Response:
        if request.host != HOST:
            return web.Response(status=404)
        statuses.append(next(answers, statuses[-1] if statuses else 404))
        return web.Response(status=statuses[-1])

    return answer, statuses


async def test_readiness_waits_until_a_former_route_is_gone() -> None:
    answer, statuses = said(iter([200, 502, 404]))
    async with controller(answer) as base:
        await until_unrouted(ReadinessCheck(base, HOST, None, 30))

    assert statuses == [200, 502, 404]


async def test_readiness_stops_waiting_for_the_route_change_at_the_timeout() -> None:
    answer, statuses = said(iter([503]))
    async with controller(answer) as base:
        await until_unrouted(ReadinessCheck(base, HOST, None, 0))

    assert statuses == [503]


async def test_404_is_not_from_the_service_while_the_controller_drops_connections() -> None:
    def answer(request: web.BaseRequest) -> web.Response:
        if request.host == HOST:
            return web.Response(status=404)
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    async with controller(answer) as base:
        with pytest.raises(TellUser) as caught:
            await until_ready(ReadinessCheck(base, HOST, None, 0))

    assert caught.value.reason is Reason.URL_UNANSWERED
    assert caught.value.facts["answer"] == "HTTP 404"


@pytest.mark.parametrize(
    ("status", "well"), [(200, True), (302, True), (404, False), (500, False), (0, False)]
)
def test_a_configured_path_must_answer_with_success(status: int, well: bool) -> None:  # noqa: FBT001 - a parameter
    assert reached(Answer(status, "", ""), None, strict=True) == well


@pytest.mark.parametrize(
    ("status", "its_own"), [(200, True), (401, True), (500, True), (503, False), (0, False)]
)
def test_without_a_configured_path_any_answer_counts(status: int, its_own: bool) -> None:  # noqa: FBT001 - as above
    assert reached(Answer(status, "", ""), None, strict=False) == its_own


def test_404_counts_if_an_unknown_host_gets_another_answer() -> None:
    assert not reached(NOT_FOUND, NOT_FOUND, strict=False)
    assert reached(NOT_FOUND, Answer(404, "default backend", ""), strict=False)
    assert reached(NOT_FOUND, None, strict=False)
    assert reached(NOT_FOUND, Answer(503, "no such host", ""), strict=False)


def test_a_dropped_connection_does_not_show_who_answered_404() -> None:
    assert not reached(NOT_FOUND, Answer(0, "", "Server disconnected"), strict=False)


def test_a_removed_host_is_gone_once_it_is_answered_like_an_unknown_host() -> None:
    assert unrouted(NOT_FOUND, NOT_FOUND)
    assert not unrouted(Answer(502, "", ""), NOT_FOUND)
    assert not unrouted(Answer(404, "the shop has no such page", ""), NOT_FOUND)
