"""Visitors of the cluster, through its ingress."""

from collections.abc import Callable
from dataclasses import dataclass

import httpx

from tests.cluster.access import wait_until


@dataclass(frozen=True, slots=True)
class Visit:
    """Requests a path of a host, as a visitor whose DNS resolves the domain."""

    client: httpx.Client

    def __call__(self, host: str, path: str = "/") -> httpx.Response:
        """Return the current answer."""
        return self.client.get(path, headers={"Host": host})

    def until(self, host: str, holds: Callable[[httpx.Response], object], path: str = "/") -> httpx.Response:
        """Return the first answer for which a condition holds: controllers apply changes with a delay."""
        found: list[httpx.Response | httpx.TransportError] = []

        def look() -> object:
            try:
                answer = self(host, path)
            except httpx.TransportError as error:  # such as a connection to a pod that is terminating
                found[:] = [error]
                return False
            found[:] = [answer]
            return holds(answer)

        wait_until(look, f"{host}{path}", lambda: _shown(found[0]))
        [answer] = found
        assert isinstance(answer, httpx.Response)
        return answer

    def until_says(self, host: str, text: str) -> None:
        """Wait until a host answers with a text: a replaced pod answers until it has ended."""
        self.until(host, lambda answer: answer.text == text)

    def until_gone(self, host: str) -> None:
        """Wait until a host has no route."""
        self.until(host, lambda answer: answer.status_code == httpx.codes.NOT_FOUND)


def _shown(answer: httpx.Response | httpx.TransportError) -> str:
    return f"{answer!r} {answer.text[:200]}" if isinstance(answer, httpx.Response) else repr(answer)
