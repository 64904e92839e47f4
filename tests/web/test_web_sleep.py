"""The preview proxy before services that sleep: it wakes them, and notes who comes."""

from dataclasses import replace
from datetime import timedelta

from bot.model.environment import EnvironmentState
from bot.model.pipeline import RunnerName
from tests.web.fakes import NOW, environment
from tests.web.service import Service
from tests.web.test_web_previews import HOST, Proxy, proxy, service, stack

__all__ = ["proxy", "service", "stack"]


async def test_a_visit_wakes_what_sleeps_and_shows_that_it_wakes(proxy: Proxy, service: Service) -> None:
    ready = replace(environment(endpoint=service.endpoint), suspendable_by=RunnerName.KUBERNETES)
    proxy.environments.put(replace(ready, state=EnvironmentState.ASLEEP))

    for language, words in (("zh-CN", "预览环境正在唤醒"), ("en", "This preview is waking up")):
        async with proxy.get("/", **{"Accept-Language": language, "Accept": "text/html"}) as answer:
            assert answer.status == 503
            assert answer.headers["Retry-After"] == "3"
            text = await answer.text()
        assert words in text
        assert 'http-equiv="refresh"' in text
    async with proxy.get("/", Accept="application/json") as answer:
        assert (answer.status, answer.headers["Retry-After"]) == (503, "3")
        assert "<" not in await answer.text()

    found = proxy.environments.by_label["pr-7-shop"]
    assert (found.state, found.visited_at) == (EnvironmentState.WAKING, NOW)
    assert proxy.outcome("waking") == 3
    assert not service.seen
    proxy.environments.put(ready)
    async with proxy.get("/") as answer:
        assert answer.status == 200


async def test_visits_are_written_down_now_and_then(proxy: Proxy, service: Service) -> None:
    ready = replace(environment(endpoint=service.endpoint), suspendable_by=RunnerName.KUBERNETES)
    proxy.environments.put(ready)
    proxy.clock.time = NOW + timedelta(hours=1)
    async with proxy.get("/") as answer:
        await answer.read()
    await proxy.over()
    assert proxy.environments.by_label["pr-7-shop"] == ready

    await proxy.visits.flush()

    assert proxy.environments.by_label["pr-7-shop"].visited_at == NOW + timedelta(hours=1)
    proxy.clock.time = NOW + timedelta(hours=2)
    await proxy.visits.flush()
    assert proxy.environments.by_label["pr-7-shop"].visited_at == NOW + timedelta(hours=1)


async def test_an_open_socket_is_a_visit_that_goes_on(proxy: Proxy, service: Service) -> None:
    proxy.environments.put(
        replace(environment(endpoint=service.endpoint), suspendable_by=RunnerName.KUBERNETES)
    )
    async with proxy.session.ws_connect(proxy.url("/talk"), headers={"Host": HOST}) as joined:
        await joined.send_str("x")
        await joined.receive_str()
        for hours in (1, 2):
            proxy.clock.time = NOW + timedelta(hours=hours)
            await proxy.visits.flush()
            assert proxy.environments.by_label["pr-7-shop"].visited_at == proxy.clock.time


async def test_nobody_notes_visits_to_what_cannot_sleep(proxy: Proxy) -> None:
    proxy.clock.time = NOW + timedelta(hours=1)
    async with proxy.get("/") as answer:
        await answer.read()
    await proxy.over()
    await proxy.visits.flush()
    assert proxy.environments.by_label["pr-7-shop"].visited_at is None
