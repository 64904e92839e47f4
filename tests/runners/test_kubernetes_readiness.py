"""Who is taken for the service, at a controller that changes its routes while it is asked."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from bot.model.errors import TellUser
from bot.model.reason import Reason
from bot.runners.kubernetes import readiness
from bot.runners.kubernetes.readiness import ReadinessCheck, until_ready, until_unrouted

HOST = "pr-12-shop.preview.test"
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
    """Answer the name of the environment with these, the last for ever, and every other with 404."""
    told: list[int] = []

    def answer(request: web.BaseRequest) -> web.Response:
        if request.host != HOST:
            return web.Response(status=404)
        told.append(next(answers, told[-1] if told else 404))
        return web.Response(status=told[-1])

    return answer, told


async def test_a_former_route_is_waited_for_until_it_is_gone() -> None:
    answer, told = said(iter([200, 502, 404]))
    async with controller(answer) as base:
        await until_unrouted(ReadinessCheck(base, HOST, None, 30))

    assert told == [200, 502, 404]


async def test_a_controller_that_never_lets_it_be_seen_is_not_waited_for_once_time_is_out() -> None:
    answer, told = said(iter([503]))
    async with controller(answer) as base:
        await until_unrouted(ReadinessCheck(base, HOST, None, 0))

    assert told == [503]


async def test_not_found_is_not_the_service_while_the_controller_drops_connections() -> None:
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
