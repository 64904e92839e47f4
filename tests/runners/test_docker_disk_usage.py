"""What containers have written, as the bot counts it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bot.core.naming import LABEL_ENVIRONMENT, LABEL_INSTANCE, LABEL_NUMBER, LABEL_REPO, container
from bot.model.disk import Written
from bot.model.environment import EnvironmentKey
from bot.model.forge import RepoPath
from bot.runners.docker.disk_usage import DiskUsage
from bot.runners.docker.engine import EngineRefused

KEY = EnvironmentKey(RepoPath("team", "shop"), 12, "preview")
LABELS = {
    LABEL_INSTANCE: "bot",
    LABEL_REPO: "team/shop",
    LABEL_NUMBER: "12",
    LABEL_ENVIRONMENT: "preview",
}
FOUND = {
    "Id": "c1",
    "Names": [f"/{container(KEY, 'app', 'bot')}"],
    "Labels": LABELS,
    "SizeRw": 1000,
    "Mounts": [{"Type": "volume", "Name": "v1"}, {"Type": "bind", "Source": "/srv"}],
}


class Engine:
    """An engine with one container, whose folder may be visible."""

    def __init__(self, folder: str, *, local: bool = True) -> None:
        self.folder = folder
        self.local = local
        self.asked: list[str] = []
        self.refusal = 0

    async def get(self, path: str, **_: str) -> Any:
        self.asked.append(path)
        if path == "/info":
            return {"DockerRootDir": self.folder}
        volumes = [{"Name": "v1", "UsageData": {"Size": 50_000}}, {"Name": "v2", "UsageData": {"Size": 7}}]
        return {"Volumes": volumes}

    async def short(self, call: Callable[[Any], Any]) -> Any:
        return call(self)

    def containers(self, **_: Any) -> list[dict[str, Any]]:
        return [FOUND, {"Id": "c2", "Names": ["/other"], "Labels": {LABEL_INSTANCE: "bot"}}]

    def kill(self, _: str) -> None:
        if self.refusal:
            raise EngineRefused("it does not run", self.refusal)


def usage(engine: Any) -> DiskUsage:
    return DiskUsage(engine, "bot")


async def test_a_volume_is_counted_in_the_folder_of_the_engine(tmp_path: Path) -> None:
    data = tmp_path / "volumes/v1/_data/nested"
    data.mkdir(parents=True)
    (data / "file").write_bytes(b"x" * 100_000)
    (data / "link").hardlink_to(data / "file")
    with (data / "sparse").open("wb") as sparse:
        sparse.truncate(1 << 40)
    engine = Engine(str(tmp_path))

    [found] = await usage(engine).written()

    assert (found.part, found.key, found.tests) == ("app", KEY, False)
    assert 101_000 <= found.size < 120_000
    assert engine.asked == ["/info"]


@pytest.mark.parametrize("local", [True, False], ids=["in a container", "on another machine"])
async def test_elsewhere_the_engine_counts_volumes_once_a_minute(tmp_path: Path, *, local: bool) -> None:
    engine = Engine(str(tmp_path / "not here"), local=local)
    disk = usage(engine)

    assert await disk.written() == (Written("c1", "app", KEY, 51_000),)
    assert await disk.size("c1") == 51_000
    assert await disk.folder() is None
    assert engine.asked.count("/system/df") == 1


async def test_only_a_running_container_is_killed(tmp_path: Path) -> None:
    engine = Engine(str(tmp_path))
    assert await usage(engine).kill("c1") is True
    engine.refusal = 409
    assert await usage(engine).kill("c1") is False
    engine.refusal = 400
    with pytest.raises(EngineRefused):
        await usage(engine).kill("c1")


@pytest.mark.attack
async def test_empty_folders_count(tmp_path: Path) -> None:
    for number in range(100):
        (tmp_path / f"volumes/v1/_data/{number}").mkdir(parents=True)
    (found,) = await usage(Engine(str(tmp_path))).written()
    assert found.size >= 100 * 4096
