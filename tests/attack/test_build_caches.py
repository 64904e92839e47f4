"""Attacks on the caches of a real engine: what a build leaves there for the builds of others."""

import uuid

import pytest

from tests.attack.build_bench import SHOP, VICTIM, Bench, bench
from tests.real.fixtures import base_image, engine, instance, registry, sdk

__all__ = ["base_image", "bench", "engine", "instance", "registry", "sdk"]

pytestmark = pytest.mark.docker

MOUNT = "--mount=type=cache,{mount}target=/cache"
FILL = "FROM {{base}}\nENV NEW={new}\nRUN " + MOUNT + " echo POISONED > /cache/wheel; echo {new}"
LINE = "RUN " + MOUNT + " cat /cache/wheel 2>/dev/null || echo clean"
VICTIM_TEXT = "FROM {{base}}\nENV ONLY={new}\n" + LINE


@pytest.mark.parametrize("mount", ["id=pip-{new},", ""], ids=["a name", "the target"])
@pytest.mark.parametrize(
    ("attacker", "victim"),
    [
        ({"repo": SHOP}, {"repo": VICTIM}),
        ({"repo": SHOP, "trusted": False}, {"repo": SHOP}),
        ({"repo": SHOP}, {"repo": SHOP, "trusted": False}),
        ({"trusted": False, "number": 1}, {"trusted": False, "number": 2}),
        ({"repo": SHOP, "args": {"BUILDKIT_CACHE_MOUNT_NS": "{space}/team/victim"}}, {"repo": VICTIM}),
    ],
    ids=["repository", "stranger writes", "stranger reads", "two strangers", "a namespace of its choice"],
)
async def test_a_cache_mount_is_not_shared_with(
    bench: Bench, mount: str, attacker: dict[str, object], victim: dict[str, object]
) -> None:
    new = uuid.uuid4().hex
    mount = mount.format(new=new).replace("id=,", "") or f"uid={int(new[:4], 16)},"
    chosen = {"BUILDKIT_CACHE_MOUNT_NS": f"{bench.instance}/team/victim"}
    args = {"args": chosen} if "args" in attacker else {}
    fill, read = (text.format(mount=mount, new=new) for text in (FILL, VICTIM_TEXT))
    await bench.build(fill, **{**attacker, **args})  # type: ignore[arg-type] # as given
    log = await bench.build(read, **victim)  # type: ignore[arg-type] # as given
    assert "POISONED" not in log
    assert "clean" in log


async def test_a_cache_mount_is_kept_for_the_repository_itself(bench: Bench) -> None:
    new = uuid.uuid4().hex
    fill, read = (text.format(mount=f"id={new},", new=new) for text in (FILL, VICTIM_TEXT))
    await bench.build(fill, number=1)
    assert "POISONED" in await bench.build(read, number=2)


async def test_an_id_cannot_name_the_cache_of_another_repository(bench: Bench) -> None:
    new = uuid.uuid4().hex
    inner = f"id={bench.instance}/team/victim/{new},"
    await bench.build(FILL.format(mount=inner, new=new))
    log = await bench.build(VICTIM_TEXT.format(mount=f"id={new},", new=new), repo=VICTIM)
    assert "clean" in log


async def test_a_poisoned_layer_does_not_reach_another_repository(bench: Bench) -> None:
    new = uuid.uuid4().hex
    line = LINE.format(mount=f"id={new},", new=new)
    ordinary = f"FROM {{base}}\nENV SAME={new}\n{line}\nRUN true"
    await bench.build(FILL.format(mount=f"id={new},", new=new))
    assert "POISONED" in await bench.build(ordinary)
    log = await bench.build(ordinary, repo=VICTIM)
    assert "clean" in log
    assert "POISONED" not in log
    (step,) = [line.split()[0] for line in log.splitlines() if "cat /cache/wheel" in line]
    assert f"{step} CACHED" not in log.splitlines(), "lines of other steps may come in between"


async def test_a_layer_that_a_proxy_filled_does_not_reach_another_repository(bench: Bench) -> None:
    text = f'FROM {{base}}\nENV SAME={uuid.uuid4().hex}\nRUN echo "got ${{http_proxy:-nothing}}"\n'
    poisoned = await bench.build(text, args={"http_proxy": "http://evil.example.net"})
    assert "got http://evil.example.net" in poisoned
    log = await bench.build(text, repo=VICTIM)
    assert "got nothing" in log
    again = await bench.build(text, args={"http_proxy": "http://evil.example.net"})
    assert "CACHED" in again, "the repository itself has a cache"
