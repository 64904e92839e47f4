"""The preview proxy wakes sleeping previews and records visits."""

from dataclasses import replace
from datetime import timedelta

from bot.model.environment import EnvironmentState, PublicService
from bot.model.pipeline import RunnerName
from tests.web.fakes import NOW, environment
from tests.web.preview_proxy import HOST, Proxy, proxy, service, sign_on, stack
from tests.web.service import Service

__all__ = ["proxy", "service", "sign_on", "stack"]


async def test_a_visit_wakes_a_sleeping_preview_and_says_so(proxy: Proxy, service: Service) -> None:
    ready = replace(environment(endpoint=service.endpoint), suspendable_by=RunnerName.KUBERNETES)
    proxy.environments.put(replace(ready, state=EnvironmentState.ASLEEP))

    for language, words in (("zh-CN", "预览环境正在唤醒"), ("en", "This preview is waking up")):
        async with proxy.get("/", **{"Accept-Language": language, "Accept": "text/html"}) as response:
            assert response.status == 503
            assert response.headers["Retry-After"] == "3"
            text = await response.text()
        assert words in text
        assert 'http-equiv="refresh"' in text
    async with proxy.get("/", Accept="application/json") as response:
        assert (response.status, response.headers["Retry-After"]) == (503, "3")
        assert "<" not in await response.text()

    found = proxy.environments.by_label["pr-7-shop"]
    assert (found.state, found.visited_at) == (EnvironmentState.WAKING, NOW)
    assert proxy.outcome("waking") == 3
    assert not service.seen
    proxy.environments.put(ready)
    async with proxy.get("/") as response:
        assert response.status == 200


async def test_a_visit_to_a_public_service_wakes_its_preview(proxy: Proxy, service: Service) -> None:
    endpoint = replace(service.endpoint, services={"api": service.endpoint})
    ready = replace(environment(endpoint=endpoint), suspendable_by=RunnerName.KUBERNETES)
    ready = replace(ready, public=(PublicService("api", 9000),))
    proxy.environments.put(replace(ready, state=EnvironmentState.ASLEEP))
    async with proxy.get("/", f"api--{HOST}") as response:
        assert (response.status, response.headers["X-Preview-State"]) == (503, "waking")
    assert proxy.environments.by_label["pr-7-shop"].state is EnvironmentState.WAKING
    proxy.environments.put(ready)
    proxy.clock.time = NOW + timedelta(hours=1)
    async with proxy.get("/", f"api--{HOST}") as response:
        assert response.status == 200
    await proxy.over()
    await proxy.visits.flush()
    assert proxy.environments.by_label["pr-7-shop"].visited_at == proxy.clock.time


async def test_visits_are_flushed_to_the_store(proxy: Proxy, service: Service) -> None:
    ready = replace(environment(endpoint=service.endpoint), suspendable_by=RunnerName.KUBERNETES)
    proxy.environments.put(ready)
    proxy.clock.time = NOW + timedelta(hours=1)
    async with proxy.get("/") as response:
        await response.read()
    await proxy.over()
    assert proxy.environments.by_label["pr-7-shop"] == ready

    await proxy.visits.flush()

    assert proxy.environments.by_label["pr-7-shop"].visited_at == NOW + timedelta(hours=1)
    proxy.clock.time = NOW + timedelta(hours=2)
    await proxy.visits.flush()
    assert proxy.environments.by_label["pr-7-shop"].visited_at == NOW + timedelta(hours=1)


async def test_an_open_websocket_is_a_continuing_visit(proxy: Proxy, service: Service) -> None:
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


async def test_visits_of_previews_that_never_sleep_are_not_recorded(proxy: Proxy) -> None:
    proxy.clock.time = NOW + timedelta(hours=1)
    async with proxy.get("/") as response:
        await response.read()
    await proxy.over()
    await proxy.visits.flush()
    assert proxy.environments.by_label["pr-7-shop"].visited_at is None
