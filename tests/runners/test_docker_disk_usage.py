"""What containers have written, as the bot counts it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bot.core.naming import LABEL_ENVIRONMENT, LABEL_INSTANCE, LABEL_NUMBER, LABEL_REPO, container
from bot.model.disk import Written
from bot.model.environment import EnvironmentKey
from bot.model.forge import RepoPath
from bot.runners.docker import counting, written_files
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
}
MOUNTS = [{"Type": "volume", "Name": "v1"}, {"Type": "bind", "Source": "/srv"}]


class Engine:
    """An engine with one container, whose folder may be visible."""

    def __init__(self, folder: str, *, local: bool = True) -> None:
        self.folder = folder
        self.local = local
        self.asked: list[str] = []
        self.refusal = 0
        self.layer: dict[str, Any] = {}

    async def get(self, path: str, **_: str) -> Any:
        self.asked.append(path)
        if path == "/info":
            return {"DockerRootDir": self.folder}
        if path == "/containers/c1/json":
            return {"Id": "c1", "SizeRw": 1000, "Mounts": MOUNTS} | self.layer
        if path == "/containers/gone/json":
            raise EngineRefused("no such container", 404)
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
    assert "/system/df" not in engine.asked


@pytest.mark.parametrize("local", [True, False], ids=["in a container", "on another machine"])
async def test_elsewhere_the_engine_counts_volumes_once_a_minute(tmp_path: Path, *, local: bool) -> None:
    engine = Engine(str(tmp_path / "not here"), local=local)
    disk = usage(engine)

    assert await disk.written() == (Written("c1", "app", KEY, 51_000),)
    assert await disk.size("c1") == 51_000
    assert await disk.size("gone") == 0
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


async def test_a_layer_is_counted_in_its_folder_and_so_is_what_the_engine_mounts(tmp_path: Path) -> None:
    (tmp_path / "upper/nested").mkdir(parents=True)
    (tmp_path / "upper/nested/file").write_bytes(b"x" * 50_000)
    (tmp_path / "c1").mkdir()
    (tmp_path / "c1/hosts").write_bytes(b"x" * 50_000)
    (tmp_path / "volumes").mkdir()
    engine = Engine(str(tmp_path))
    engine.layer = {
        "GraphDriver": {"Data": {"UpperDir": str(tmp_path / "upper")}},
        "HostsPath": str(tmp_path / "c1/hosts"),
    }
    assert 101_000 <= await usage(engine).size("c1") < 120_000


async def test_an_account_that_may_not_read_everything_lets_the_engine_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "volumes/v1/_data/closed").mkdir(parents=True)

    def closed(_: object) -> object:
        raise PermissionError

    engine = Engine(str(tmp_path))
    monkeypatch.setattr("os.scandir", closed)
    assert await usage(engine).size("c1") == 51_000


async def test_what_was_written_at_most_is_remembered_while_the_container_exists(tmp_path: Path) -> None:
    data = tmp_path / "volumes/v1/_data"
    data.mkdir(parents=True)
    (data / "file").write_bytes(b"x" * 100_000)
    disk = usage(Engine(str(tmp_path)))
    [before] = await disk.written()
    (data / "file").unlink()
    [after] = await disk.written()
    assert after.size < before.size
    assert await disk.size("c1") == before.size


async def test_what_is_too_much_to_be_counted_is_more_than_the_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counting, "MOST", 10)
    for number in range(10):
        (tmp_path / f"volumes/v1/_data/{number}").mkdir(parents=True)
    disk = DiskUsage(Engine(str(tmp_path)), "bot", 1 << 20)  # type: ignore[arg-type] # what it uses of one
    assert await disk.size("c1") < 1 << 20
    (tmp_path / "volumes/v1/_data/another").mkdir()
    assert await disk.size("c1") == (1 << 20) + 1


def test_what_takes_long_to_reach_counts_as_more(tmp_path: Path) -> None:
    (tmp_path / "/".join("d" * 100)).mkdir(parents=True)
    looks = len(list(written_files.inside([tmp_path])))
    assert 300 < looks < 600


def test_what_is_replaced_by_a_link_in_between_is_ignored(tmp_path: Path) -> None:
    (tmp_path / "a/b").mkdir(parents=True)
    found = written_files.inside([tmp_path])
    assert next(found)
    (tmp_path / "a/b").rmdir()
    (tmp_path / "a").rmdir()
    (tmp_path / "a").symlink_to("a")
    assert list(found) == []
