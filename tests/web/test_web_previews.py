"""The preview proxy with a real service on loopback."""

import asyncio
import gzip
import socket
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace

import aiohttp
import pytest

from bot.model.environment import Endpoint, Environment, EnvironmentState
from bot.model.errors import RetryLater
from bot.model.reason import Reason
from bot.model.text import Language
from bot.web.pages.messages import say
from tests.fakes.adapters import PATIENCE
from tests.web.fakes import environment
from tests.web.preview_proxy import HOST, Proxy, proxy, service, sign_on, stack
from tests.web.service import Service

__all__ = ["proxy", "service", "sign_on", "stack"]


@pytest.mark.parametrize(
    "host", [HOST, HOST.upper(), f"{HOST}:8081", f"{HOST}.", f"{HOST}.:8081", "Pr-7-Shop.Preview.Test"]
)
async def test_a_hostname_is_routed_to_its_service(proxy: Proxy, service: Service, host: str) -> None:
    async with proxy.get("/hello", host) as response:
        assert response.status == 200

    (seen,) = service.seen
    assert seen.headers["Host"] == host
    assert seen.headers["X-Forwarded-Host"] == host
    assert seen.headers["X-Forwarded-Proto"] == "https"
    assert seen.headers["X-Forwarded-For"] == "127.0.0.1"
    await proxy.over()
    assert proxy.outcome("proxied") == 1


@pytest.mark.parametrize(
    "host",
    [
        "pr-8-shop.preview.test",
        "preview.test",
        ".preview.test",
        "a.pr-7-shop.preview.test",
        "pr-7-shop.elsewhere.test",
        "pr-7-shop",
        "pr-7-shoppreview.test",
        "127.0.0.1",
        "[::1]:80",
        "pr-7_shop.preview.test",
    ],
)
async def test_an_unknown_hostname_is_not_found(proxy: Proxy, service: Service, host: str) -> None:
    async with proxy.get("/", host) as response:
        assert response.status == 404
        assert "这里没有预览" in await response.text()

    assert not service.seen


@pytest.mark.parametrize(
    "target",
    [
        "/a%2Fb/%E4%B8%AD?x=%20&y=a+b&y=",
        "/%2e%2e/%2E/x",
        "//double//slash",
        "/a/../b",
        "/back%5Cslash",
        "/%",
        "/q?next=http://x/%3F",
    ],
)
async def test_a_path_is_passed_unchanged(proxy: Proxy, target: str) -> None:
    response = await proxy.raw(f"GET {target} HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n")

    assert f"X-Target: {target}\r\n".encode() in response


@pytest.mark.attack
@pytest.mark.parametrize("target", ["@127.0.0.1:1/", "*", "127.0.0.1:1"])
async def test_a_target_with_another_authority_is_rejected(
    proxy: Proxy, service: Service, target: str
) -> None:
    for method in ("GET", "OPTIONS"):
        response = await proxy.raw(f"{method} {target} HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n")
        assert response.split()[1] in {b"400", b"404"}

    assert not service.seen


@pytest.mark.attack
async def test_an_absolute_url_reaches_only_the_stored_endpoint(proxy: Proxy, service: Service) -> None:
    response = await proxy.raw(
        f"GET http://{HOST}/x?y=1 HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n"
    )

    assert b"X-Target: /x?y=1\r\n" in response
    assert len(service.seen) == 1


async def test_an_upload_is_streamed(proxy: Proxy, service: Service) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for number in range(64):
            yield bytes([number]) * 65_536

    async with proxy.session.post(proxy.url("/up"), data=chunks(), headers={"Host": HOST}) as response:
        returned = await response.read()

    assert len(returned) == 64 * 65_536
    assert service.bodies == [returned]
    assert service.seen[0].headers["Transfer-Encoding"] == "chunked"


async def test_an_upload_of_known_size_keeps_its_length(proxy: Proxy, service: Service) -> None:
    async with proxy.session.put(proxy.url("/up"), data=b"12345", headers={"Host": HOST}) as response:
        assert await response.read() == b"12345"

    assert service.seen[0].headers["Content-Length"] == "5"
    assert "Transfer-Encoding" not in service.seen[0].headers


async def test_a_compressed_upload_stays_compressed(proxy: Proxy, service: Service) -> None:
    body = gzip.compress(b"words" * 100)
    headers = {"Host": HOST, "Content-Encoding": "gzip"}

    async with proxy.session.post(proxy.url("/up"), data=body, headers=headers) as response:
        await response.read()

    assert service.bodies == [body]
    assert service.seen[0].headers["Content-Encoding"] == "gzip"


async def test_a_compressed_response_stays_compressed(proxy: Proxy) -> None:
    async with proxy.get("/packed") as response:
        assert response.headers["Content-Encoding"] == "gzip"
        assert gzip.decompress(await response.read()) == b"words"


@pytest.mark.parametrize("method", ["HEAD", "DELETE", "OPTIONS", "PATCH", "PURGE"])
async def test_every_method_passes(proxy: Proxy, service: Service, method: str) -> None:
    async with proxy.session.request(method, proxy.url("/m"), headers={"Host": HOST}) as response:
        assert response.status == 200

    assert service.seen[0].method == method


async def test_events_arrive_during_the_response(proxy: Proxy, service: Service) -> None:
    async with proxy.get("/events") as response:
        assert await response.content.readuntil(b"\n\n") == b"data: one\n\n"
        service.go_on.set()
        assert await response.content.readuntil(b"\n\n") == b"data: two\n\n"


async def test_a_service_is_disconnected_when_its_visitor_leaves(proxy: Proxy, service: Service) -> None:
    async with proxy.get("/events") as response:
        await response.content.readuntil(b"\n\n")
        response.close()

    await asyncio.wait_for(service.gone.wait(), PATIENCE)


async def test_an_aborted_response_does_not_look_complete(proxy: Proxy, service: Service) -> None:
    async with proxy.get("/breaks-off") as response:
        assert response.status == 200
        assert await response.content.readexactly(4) == b"half"
        service.go_on.set()
        with pytest.raises(aiohttp.ClientError):
            await response.read()


@pytest.mark.attack
async def test_cookies_are_limited_to_the_preview_that_sets_them(proxy: Proxy) -> None:
    async with proxy.get("/cookies") as response:
        assert response.headers.getall("Set-Cookie") == ["a=1; Path=/", "b=2; path=/; Secure", "c=3"]


@pytest.mark.attack
async def test_headers_of_one_connection_are_dropped(proxy: Proxy, service: Service) -> None:
    sent = {
        "Connection": "X-Mine",
        "X-Mine": "1",
        "TE": "trailers",
        "Proxy-Authorization": "x",
        "X-Kept": "2",
    }
    async with proxy.get("/hop", **sent) as response:
        assert "X-Inner" not in response.headers
        assert "Keep-Alive" not in response.headers
        assert response.headers["X-Outer"] == "2"
    async with proxy.get("/", **sent):
        (seen,) = service.seen
        assert not {"X-Mine", "TE", "Proxy-Authorization"} & set(seen.headers)
        assert seen.headers["X-Kept"] == "2"


async def test_an_earlier_proxy_stays_in_the_chain(proxy: Proxy, service: Service) -> None:
    async with proxy.get("/", **{"X-Forwarded-For": "203.0.113.9"}):
        assert service.seen[0].headers["X-Forwarded-For"] == "203.0.113.9, 127.0.0.1"


@pytest.mark.attack
async def test_redirects_are_passed_to_the_visitor(proxy: Proxy) -> None:
    async with proxy.get("/moved") as response:
        assert (response.status, response.headers["Location"]) == (302, "http://169.254.169.254/")


STATUS = {EnvironmentState.STARTING: 503, EnvironmentState.FAILED: 503, EnvironmentState.REMOVED: 410}


@pytest.mark.parametrize("state", STATUS)
async def test_a_preview_that_cannot_be_shown_says_why(
    proxy: Proxy, service: Service, state: EnvironmentState
) -> None:
    proxy.environments.put(environment(state=state, endpoint=service.endpoint))
    zh, en = say(f"preview.{state}", Language.ZH), say(f"preview.{state}", Language.EN)

    async with proxy.get(**{"Accept-Language": "en"}) as response:
        assert response.status == STATUS[state]
        assert en in await response.text()
        assert response.headers["X-Preview-State"] == state
    async with proxy.get(Accept="text/html,*/*") as response:
        page = await response.text()
        assert zh in page
        assert "http://bot.test/runs/42" in page
        assert ("Retry-After" in response.headers) == (state is EnvironmentState.STARTING)
        assert ('http-equiv="refresh"' in page) == (state is EnvironmentState.STARTING)
    async with proxy.get(Accept="application/json", **{"Accept-Language": "en"}) as response:
        assert await response.text() == f"{en}\n"
    assert not service.seen


async def test_a_failing_preview_is_still_forwarded(proxy: Proxy, service: Service) -> None:
    proxy.environments.put(environment(state=EnvironmentState.FAILING, endpoint=service.endpoint))

    async with proxy.get("/") as response:
        assert response.status == 200


async def test_an_unreachable_service_is_a_bad_gateway(proxy: Proxy, unused_port: int) -> None:
    proxy.environments.put(environment(endpoint=Endpoint("127.0.0.1", unused_port)))

    async with proxy.get(**{"Accept-Language": "en"}) as response:
        assert response.status == 502
        assert "does not respond" in await response.text()
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await proxy.session.ws_connect(proxy.url("/talk"), headers={"Host": HOST})
    assert refused.value.status == 502
    assert proxy.outcome("unreachable") == 2


async def test_an_unavailable_store_makes_previews_unavailable(
    proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(_label: str) -> Environment:
        raise RetryLater(Reason.STORE_UNAVAILABLE, {"message": "database is locked"})

    monkeypatch.setattr(proxy.environments, "environment_at", away)

    async with proxy.get(Accept="text/html", **{"Accept-Language": "zh"}) as response:
        assert response.status == 503
        assert int(response.headers["Retry-After"]) > 0
        assert "数据库暂时没有响应" in await response.text()
    assert proxy.outcome("unavailable") == 1


async def test_a_ready_environment_without_an_endpoint_is_unreachable(proxy: Proxy) -> None:
    proxy.environments.put(environment(endpoint=None))

    async with proxy.get() as response:
        assert response.status == 502


async def test_an_environment_with_its_own_url_is_redirected(proxy: Proxy) -> None:
    elsewhere = "https://pr-7-shop.k8s.example.com/"
    proxy.environments.put(replace(environment(endpoint=None), url=elsewhere))

    async with proxy.get() as response:
        assert (response.status, response.headers["Location"]) == (302, elsewhere)
    assert proxy.outcome("redirected") == 1


async def test_concurrent_visits_do_not_mix(proxy: Proxy) -> None:
    async def visit(number: int) -> bytes:
        async with proxy.session.post(
            proxy.url(f"/{number}"), data=str(number).encode(), headers={"Host": HOST}
        ) as response:
            return await response.read()

    found = await asyncio.gather(*(visit(number) for number in range(200)))

    assert found == [str(number).encode() for number in range(200)]


@pytest.fixture
def unused_port() -> Iterator[int]:
    """Return a port on which nothing can listen until the test ends."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield int(taken.getsockname()[1])


@pytest.mark.attack
async def test_a_response_with_control_characters_is_a_bad_gateway(proxy: Proxy) -> None:
    async def response(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 a\x0bb\r\nContent-Length: 2\r\n\r\nok")
        writer.close()

    async with await asyncio.start_server(response, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        proxy.environments.put(environment(endpoint=Endpoint("127.0.0.1", port)))
        async with proxy.get() as found:
            assert found.status == 502


async def test_a_request_to_a_deployment_that_was_just_replaced_reaches_its_successor(
    proxy: Proxy, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone, now = environment(endpoint=Endpoint("127.0.0.1", 1)), environment(endpoint=service.endpoint)
    found = iter((gone, now, gone, gone, gone))

    async def next_one(_label: str) -> Environment | None:
        return next(found)

    monkeypatch.setattr(proxy.environments, "environment_at", next_one)
    async with proxy.get("/hello") as response:
        assert response.status == 200
    async with proxy.get("/hello") as response:
        assert response.status == 502
    async with proxy.session.post(proxy.url("/hello"), headers={"Host": HOST}, data=b"order") as response:
        assert response.status == 502, "the first one may have acted"

    assert len(service.seen) == 1
    await proxy.over()
    assert (proxy.outcome("proxied"), proxy.outcome("unreachable")) == (1, 2)


async def test_a_store_that_does_not_respond_leaves_a_request_unanswered(
    proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy.environments.put(environment(endpoint=Endpoint("127.0.0.1", 1)))
    find, asked = proxy.environments.environment_at, 0

    async def once(label: str) -> Environment | None:
        nonlocal asked
        asked += 1
        if asked > 1:
            raise RetryLater(Reason.STORE_UNAVAILABLE)
        return await find(label)

    monkeypatch.setattr(proxy.environments, "environment_at", once)
    async with proxy.get("/hello") as response:
        assert response.status == 502
    await proxy.over()
    assert proxy.outcome("unreachable") == 1
