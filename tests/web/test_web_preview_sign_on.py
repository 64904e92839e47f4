"""Previews with a login of their own, behind or without a sign-on in front of the bot."""

import tracemalloc

import pytest

from bot.web.previews.sign_on import SignOn
from tests.web.preview_proxy import Proxy, proxy, service, sign_on, stack
from tests.web.service import Service

__all__ = ["proxy", "service", "sign_on", "stack"]

own_login = pytest.mark.parametrize("sign_on", [SignOn(["!authorization"], ["!authentik_csrf", "sso-*"])])
"""An operator whose sign-on uses neither of these names."""


async def test_a_login_by_cookie_needs_no_setting(proxy: Proxy, service: Service) -> None:
    async with proxy.get("/", Cookie="sessionid=1; csrftoken=2", **{"X-CSRFToken": "2"}):
        (seen,) = service.seen
    assert (seen.headers["Cookie"], seen.headers["X-CSRFToken"]) == ("sessionid=1; csrftoken=2", "2")


@pytest.mark.parametrize("credentials", ["Bearer abc", "Basic dXNlcjpwdw=="])
async def test_a_missing_authorization_header_is_explained(proxy: Proxy, credentials: str) -> None:
    async with proxy.get("/private", Authorization=credentials) as response:
        assert response.status == 401
        assert response.headers["X-Preview-Withheld"] == "Authorization; see drop_headers of [preview]"
    async with proxy.get("/private") as response:
        assert response.status == 401
        assert "X-Preview-Withheld" not in response.headers


@own_login
@pytest.mark.parametrize("credentials", ["Bearer abc", "Basic dXNlcjpwdw=="])
async def test_the_operator_lets_a_login_by_header_pass(proxy: Proxy, credentials: str) -> None:
    async with proxy.get("/private", Authorization=credentials) as response:
        assert (response.status, await response.text()) == (200, credentials)
    async with proxy.get("/private") as response:
        assert "X-Preview-Withheld" not in response.headers


@own_login
async def test_the_operators_patterns_follow_the_built_in_ones(proxy: Proxy, service: Service) -> None:
    cookies = "authentik_csrf=1; authentik_session=2; sso-a=3; SSO_b=4; sso=5"
    async with proxy.get("/", Cookie=cookies, **{"X-Forwarded-User": "mei"}):
        (seen,) = service.seen
    assert seen.headers["Cookie"] == "authentik_csrf=1; sso=5"
    assert "X-Forwarded-User" not in seen.headers


@pytest.mark.attack
def test_names_that_strangers_choose_take_little_memory() -> None:
    sign_on = SignOn()
    tracemalloc.start()
    for number in range(200):
        sign_on.withholds(f"{number}{'x' * 30_000}")
        assert sign_on.cookies(f"{number}{'x' * 30_000}=1")
    used, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert used < 1 << 20
