"""The size of a container's root file system, where the engine's disk has quotas."""

from collections.abc import Callable
from typing import Any

import pytest

from bot.runners.docker.containers import Containers
from bot.runners.docker.engine import EngineFault

BODY = {"Image": "app", "HostConfig": {"Memory": 1, "StorageOpt": {"size": "1000"}}}
PLAIN = {"Image": "app", "HostConfig": {"Memory": 1}}
REFUSAL = "--storage-opt is supported only for overlay over xfs with 'pquota' mount option"
"""The error of Docker 20.10."""


class Engine:
    """An engine on a file system, mounted with quotas or not."""

    def __init__(self, file_system: str, *, quotas: bool = False) -> None:
        self.info = {"Driver": "overlay2", "DriverStatus": [["Backing Filesystem", file_system]]}
        self.quotas = quotas
        self.broken = False
        self.tried: list[object] = []

    async def get(self, _: str) -> Any:
        return self.info

    async def short(self, call: Callable[[Any], Any]) -> Any:
        return call(self)

    def create_container_from_config(self, body: dict[str, Any], _: str) -> dict[str, str]:
        self.tried.append(body)
        if self.broken or ("StorageOpt" in body["HostConfig"] and not self.quotas):
            raise EngineFault("broken" if self.broken else REFUSAL, 500)
        return {"Id": "c1"}


async def created(engine: Any, times: int = 2) -> list[object]:
    containers = Containers(engine)
    for _ in range(times):
        assert await containers.create("name", BODY) == "c1"
    tried: list[object] = engine.tried
    return tried


async def test_with_quotas_each_container_has_a_size() -> None:
    assert await created(Engine("xfs", quotas=True)) == [BODY, BODY]


async def test_without_quotas_one_attempt_is_enough_to_know() -> None:
    assert await created(Engine("xfs")) == [BODY, PLAIN, PLAIN]


async def test_on_another_file_system_nothing_is_tried() -> None:
    assert await created(Engine("extfs")) == [PLAIN, PLAIN]


async def test_another_error_is_raised_and_says_nothing_about_quotas() -> None:
    engine = Engine("xfs", quotas=True)
    engine.broken = True
    with pytest.raises(EngineFault, match="broken"):
        await created(engine)
    engine.broken = False
    engine.tried.clear()
    assert await created(engine, 1) == [BODY]
