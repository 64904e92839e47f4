"""A listener in place of buildkitd, for the fake `buildctl`."""

import socket
from collections.abc import Iterator

import pytest


@pytest.fixture
def daemon() -> Iterator[str]:
    """Provide the address of a server that accepts connections and never answers."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:
        yield f"tcp://127.0.0.1:{listener.getsockname()[1]}"
