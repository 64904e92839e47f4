"""How the containers of previews are doing, in a real engine."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from bot.core import naming
from bot.model.health import Part
from bot.model.reason import Reason
from bot.model.secrets import SecretValue
from bot.ports import ServiceSpec
from bot.runners.docker import labels
from bot.runners.docker.container import ContainerKind
from bot.runners.docker.engine import EngineRefused
from bot.runners.docker.parts import Parts, before, examined
from tests.runners.conftest import KEY, Stage
from tests.runners.waiting import until

pytestmark = pytest.mark.docker


async def parts(stage: Stage) -> Sequence[Part]:
    return (await stage.platform.parts()).get(KEY, ())


async def test_running_containers_are_up(stage: Stage) -> None:
    database = ServiceSpec("db", stage.tests_image, command=("sleep", "600"))
    await stage.platform.deploy(stage.spec(services=(database,)), stage.log)

    found = {part.name: part for part in await parts(stage)}

    assert {name: (part.up, part.serves) for name, part in found.items()} == {
        "app": (True, True),
        "db": (True, False),
    }
    assert all(part.restarts in {None, 0} and part.made_at for part in found.values())
    stage.container("app").remove(force=True)
    assert [part.name for part in await parts(stage)] == ["db"]


async def test_a_stopped_container_is_down(stage: Stage) -> None:
    await stage.platform.deploy(
        stage.spec(command=("sh", "-c", "echo ready; exec httpd -f -p 8080")), stage.log
    )
    await asyncio.to_thread(stage.container("app").kill)

    [part] = await parts(stage)

    assert (part.up, part.reason) == (False, Reason.CONTAINER_STOPPED)
    assert part.facts == {"name": "app", "code": "137"}
    assert await stage.platform.output(part) == "ready"
    stage.container("app").remove(force=True)
    assert await stage.platform.output(part) == ""


async def test_restarts_are_counted_with_their_exit_code(stage: Stage) -> None:
    await stage.platform.deploy(stage.spec(), stage.log)
    app = stage.container("app")
    await asyncio.to_thread(app.exec_run, ["sh", "-c", "kill -9 -1"])

    def restarted() -> bool:
        app.reload()
        return bool(app.attrs["RestartCount"] == 1 and app.status == "running")

    await until(restarted)
    [part] = await parts(stage)
    assert part.reason is Reason.CRASH_LOOP
    assert part.facts == {"name": "app", "code": "137"}


def test_an_exit_is_looked_for_until_the_start_and_not_until_the_second_before() -> None:
    assert before("2026-03-01T10:00:12.345678901Z") == {
        "since": "1772358612.345678",
        "until": "1772359212.345678",
    }


HEALTHY = {
    "State": {"Status": "running", "OOMKilled": False, "Health": {"Status": "healthy"}},
    "RestartCount": 0,
    "HostConfig": {"Memory": 64 << 20},
}
PART = Part("1", "app", up=True)


def test_a_container_that_is_up_needs_no_explanation() -> None:
    found = examined(PART, HEALTHY, "")
    assert (found.up, found.restarts, found.reason) == (True, 0, None)


def test_a_failing_health_check_is_told_from_a_crash() -> None:
    state = {"Status": "running", "Health": {"Status": "unhealthy"}}
    found = examined(PART, {**HEALTHY, "State": state, "RestartCount": 4}, "1")
    assert (found.up, found.reason) == (False, Reason.NO_LONGER_HEALTHY)


def test_too_much_memory_is_told_from_a_crash() -> None:
    state = {"Status": "restarting", "OOMKilled": True}
    found = examined(PART, {**HEALTHY, "State": state, "RestartCount": 4}, "137")
    assert (found.up, found.reason) == (False, Reason.OUT_OF_MEMORY)
    assert found.facts == {"name": "app", "limit": "64m"}


class FakeEngine:
    """Lists containers, and fails if it is asked for more."""

    def __init__(self, *statuses: str) -> None:
        self._listed = [
            {
                "Id": str(number),
                "Names": [f"/{naming.container(KEY, 'app', 'bot')}"],
                "Labels": {**labels.of_environment("bot", KEY), labels.LABEL_ROLE: ContainerKind.APP},
                "State": status.partition(" ")[0].replace("Up", "running").lower(),
                "Status": status,
                "Created": 1_772_366_400,
            }
            for number, status in enumerate(statuses)
        ]

    async def short(self, _call: object) -> list[dict[str, object]]:
        return self._listed

    async def inspect(self, container: str) -> dict[str, object]:
        raise EngineRefused(f"asked for {container}", 500)


async def found_in(engine: Any) -> Sequence[Part]:
    return (await Parts(engine, engine, "bot").find())[KEY]


async def test_containers_that_run_undisturbed_take_no_further_call() -> None:
    fine = ("Up About a minute", "Up 2 minutes (healthy)", "Up 3 days", "Up 5 hours (health: starting)")
    assert [part.up for part in await found_in(FakeEngine(*fine))] == [True] * len(fine)


@pytest.mark.parametrize(
    "status",
    [
        "Up Less than a second",
        "Up 1 second",
        "Up 59 seconds (healthy)",
        "Up 3 days (unhealthy)",
        "Restarting (137) 4 seconds ago",
        "Exited (1) 2 hours ago",
        "Paused",
    ],
)
async def test_other_containers_are_inspected(status: str) -> None:
    with pytest.raises(EngineRefused, match="asked for 0"):
        await found_in(FakeEngine(status))


async def test_the_output_of_each_part_of_an_environment_can_be_read(stage: Stage) -> None:
    talking = ("sh", "-c", "seq 30; exec sleep 600")
    secret = SecretValue("password", b"hunter22")
    database = ServiceSpec("db", stage.tests_image, command=talking, secrets=(secret,))
    await stage.platform.deploy(stage.spec(services=(database,), labels={naming.LABEL_RUN: "7"}), stage.log)

    found = {part.name: part for part in await stage.platform.parts_of(KEY)}

    assert set(found) == {"app", "db"}  # and not what holds the secret
    assert {part.run for part in found.values()} == {7}
    assert (await stage.platform.output(found["db"], 25)).split() == [str(n) for n in range(6, 31)]
    assert await stage.platform.parts_of(replace(KEY, name="staging")) == []


async def test_a_container_that_prepares_data_is_no_part(stage: Stage) -> None:
    await stage.platform.deploy(stage.spec(), stage.log)
    marked = {**labels.of_environment(stage.instance, KEY), labels.LABEL_ROLE: ContainerKind.SETUP}
    left = stage.sdk.containers.create(stage.tests_image, ["true"], labels=marked)
    try:
        assert [part.name for part in await parts(stage)] == ["app"]
        assert [part.name for part in await stage.platform.parts_of(KEY)] == ["app"]
    finally:
        left.remove(force=True)
