"""Visitors of what runs in the cluster, through its ingress."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import httpx

from tests.cluster.access import wait_until


@dataclass(frozen=True, slots=True)
class Visit:
    """Asks a host for a path, as a visitor whose DNS knows the domain."""

    client: httpx.Client

    def __call__(self, host: str, path: str = "/") -> httpx.Response:
        """Return what is answered now."""
        return self.client.get(path, headers={"Host": host})

    def until(self, host: str, holds: Callable[[httpx.Response], object], path: str = "/") -> httpx.Response:
        """Return the first answer for which that holds: controllers carry on a change in their own time."""
        found: list[httpx.Response] = []

        def look() -> object:
            with suppress(httpx.TransportError):  # such as a connection to what is just going
                found[:] = [self(host, path)]
                return holds(found[0])
            return False

        wait_until(look, f"{host}{path}")
        return found[0]

    def until_says(self, host: str, text: str) -> None:
        """Return once a host answers with these words: a pod that was replaced answers to its end."""
        self.until(host, lambda answer: answer.text == text)

    def until_gone(self, host: str) -> None:
        """Return once a host leads nowhere."""
        self.until(host, lambda answer: answer.status_code == httpx.codes.NOT_FOUND)
