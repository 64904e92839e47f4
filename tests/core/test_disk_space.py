"""When a disk is full, and which containers are stopped because of it."""

from dataclasses import replace

import pytest

from bot.core.runs.disk_space import fullest, missing, to_stop, usable
from bot.model.disk import FreeSpace, Written
from bot.model.environment import EnvironmentKey
from bot.model.forge import RepoPath

KEY = EnvironmentKey(RepoPath("team", "shop"), 1, "preview")


def space(free: int, total: int = 10_000, name: str = "data") -> FreeSpace:
    return FreeSpace(name, "/data", free, total)


def written(size: int, *, tests: bool = False) -> Written:
    return Written(str(size), "app", KEY, size, tests)


@pytest.mark.parametrize(
    ("free", "total", "lacking"),
    [
        (500, 10_000, 0),
        (499, 10_000, 1),
        (0, 10_000, 500),
        (60, 600, 0),
        (59, 600, 1),
        (0, 0, 0),
    ],
)
def test_a_disk_needs_the_least_space_or_a_tenth_of_itself(free: int, total: int, lacking: int) -> None:
    assert missing(space(free, total), 500) == lacking


@pytest.mark.attack
def test_a_disk_without_inodes_lacks_space() -> None:
    full = FreeSpace("docker", "/data", 9_000, 10_000, free_inodes=10, inodes=1_000)
    assert usable(full) == 100
    assert missing(full, 500) == 400
    assert usable(replace(full, free=50)) == 50
    assert usable(replace(full, inodes=0)) == 9_000, "its number is not limited"


def test_the_disk_that_lacks_the_most_is_named() -> None:
    found = (space(400), space(100, name="docker"), space(900))
    assert fullest(found, 500) == found[1]
    assert fullest(found, 90) is None
    assert fullest((), 500) is None


@pytest.mark.parametrize(
    ("sizes", "lacking", "stopped"),
    [
        ([999, 1000], 0, []),
        ([1001, 5, 2000], 0, [2000, 1001]),
        ([99, 300, 500], 1, [500]),
        ([99, 300, 500], 600, [500, 300]),
        ([99, 300, 500], 9999, [500, 300]),
        ([1001, 300], 1000, [1001]),
        ([1500, 1200, 300], 1, [1500, 1200]),
    ],
)
def test_the_largest_are_stopped_until_there_is_enough(
    sizes: list[int], lacking: int, stopped: list[int]
) -> None:
    assert [one.size for one in to_stop([written(size) for size in sizes], 1000, lacking)] == stopped


def test_suites_are_stopped_by_their_own_limit_only() -> None:
    found = [written(900, tests=True), written(1100, tests=True), written(400)]
    assert [one.size for one in to_stop(found, 1000, 5000)] == [1100, 400]
