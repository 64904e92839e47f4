"""Registry authentication: Basic, or a token from the server that the registry's challenge names.

https://distribution.github.io/distribution/spec/auth/token/
"""

import re
from collections.abc import Generator

import httpx

_SCHEME = re.compile(r"(?i)^\s*(basic|bearer)\b")
_PARAMETER = re.compile(r'(\w+)="([^"]*)"')


class RegistryAuth(httpx.Auth):
    """Answers the challenge of a 401, once for each request. Tokens are reused by method and path."""

    requires_response_body = True

    def __init__(self, username: str = "", password: str = "") -> None:
        self._basic = httpx.BasicAuth(username, password) if username else None
        self._tokens: dict[str, str] = {}

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Send a request with the token of an earlier one, and again after a challenge."""
        target = f"{request.method} {request.url.path}"
        if target in self._tokens:
            request.headers["Authorization"] = self._tokens[target]
        response = yield request
        if response.status_code != httpx.codes.UNAUTHORIZED:
            return
        header = yield from self._answer(response)
        if header:
            self._tokens[target] = request.headers["Authorization"] = header
            yield request

    def _answer(self, response: httpx.Response) -> Generator[httpx.Request, httpx.Response, str]:
        scheme, parameters = challenge(response.headers.get("WWW-Authenticate", ""))
        if scheme == "basic" and self._basic:
            return self._header(httpx.Request("GET", response.request.url))
        if scheme != "bearer" or "realm" not in parameters:
            return ""
        realm = parameters.pop("realm")
        asking = httpx.Request("GET", httpx.URL(realm).copy_merge_params(parameters))
        if self._basic:
            self._header(asking)
        answer = yield asking
        return f"Bearer {_token(answer)}" if answer.is_success else ""

    def _header(self, request: httpx.Request) -> str:
        if self._basic:
            next(self._basic.auth_flow(request))
        return str(request.headers.get("Authorization", ""))


def challenge(header: str) -> tuple[str, dict[str, str]]:
    """Return the scheme of a WWW-Authenticate header in lower case, and its parameters.

    >>> challenge('Bearer realm="https://a/token",service="r"')
    ('bearer', {'realm': 'https://a/token', 'service': 'r'})
    """
    scheme = _SCHEME.match(header)
    return (scheme[1].lower() if scheme else ""), dict(_PARAMETER.findall(header))


def _token(answer: httpx.Response) -> str:
    try:
        found = answer.json()
        return str(found.get("token") or found.get("access_token") or "")
    except (ValueError, AttributeError):
        return ""
