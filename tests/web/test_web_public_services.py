"""The preview proxy in front of the public services of an environment."""

from dataclasses import replace

import pytest

from bot.model.environment import Endpoint, Environment, EnvironmentState, PublicService
from tests.web.fakes import environment
from tests.web.preview_proxy import HOST, Proxy, proxy, service, sign_on, stack
from tests.web.service import Service

__all__ = ["proxy", "service", "sign_on", "stack"]


async def test_public_services_have_hosts_and_paths(proxy: Proxy, service: Service) -> None:
    nowhere = Endpoint("127.0.0.1", 1)
    api, docs = PublicService("api", 9000), PublicService("docs", 80, "/docs")
    endpoint = replace(nowhere, services={"api": service.endpoint, "docs": service.endpoint})
    found = replace(environment(endpoint=endpoint), public=(api, docs))
    proxy.environments.put(found)
    for host, path in (
        (f"api--{HOST}", "/"),
        (f"API--{HOST}:8081", "/x"),
        (HOST, "/docs"),
        (HOST, "/docs/?a=/b"),
        (HOST, "/docs?a"),
    ):
        async with proxy.get(path, host) as response:
            assert response.status == 200, (host, path)
    assert [one.path_qs for one in service.seen] == ["/", "/x", "/docs", "/docs/?a=/b", "/docs?a"]
    for host, path in ((HOST, "/"), (HOST, "/docsx"), (HOST, "/?a=/docs"), (HOST, "/x/../docs")):
        async with proxy.get(path, host) as response:
            assert response.status == 502, (host, path)
    proxy.environments.put(replace(found, endpoint=replace(endpoint, services={})))
    async with proxy.get("/", f"api--{HOST}") as response:
        assert response.status == 502


@pytest.mark.attack
@pytest.mark.parametrize(
    "host",
    [
        f"db--{HOST}",
        f"docs--{HOST}",
        f"--{HOST}",
        f"api--api--{HOST}",
        f"api.{HOST}",
        "api--pr-8-shop.preview.test",
    ],
)
async def test_nothing_else_of_an_environment_is_reached(proxy: Proxy, service: Service, host: str) -> None:
    services = (PublicService("api", 9000), PublicService("docs", 80, "/docs"))
    endpoint = replace(service.endpoint, services=dict.fromkeys(("api", "docs", "db"), service.endpoint))
    asleep = replace(environment(endpoint=endpoint), public=services, state=EnvironmentState.ASLEEP)
    for found in (replace(asleep, state=EnvironmentState.READY), asleep):
        proxy.environments.put(found)
        async with proxy.get("/", host) as response:
            assert response.status == 404
    assert not service.seen
    assert proxy.environments.by_label["pr-7-shop"].state is EnvironmentState.ASLEEP


async def test_a_service_is_followed_to_the_deployment_that_has_taken_over(
    proxy: Proxy, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone, services = Endpoint("127.0.0.1", 1), (PublicService("api", 9000),)
    before = replace(environment(endpoint=replace(gone, services={"api": gone})), public=services)
    after = replace(before, endpoint=replace(gone, services={"api": service.endpoint}))
    found = iter((before, after))

    async def environment_at(label: str) -> Environment:
        assert label == before.host
        return next(found)

    monkeypatch.setattr(proxy.environments, "environment_at", environment_at)
    async with proxy.get("/", f"api--{HOST}") as response:
        assert response.status == 200
