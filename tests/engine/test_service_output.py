"""How much of a service's output is read, and that no secret of it is shown."""

from dataclasses import replace
from typing import Any, cast

import pytest

from bot.core.naming import LABEL_RUN
from bot.model.environment import EnvironmentKey
from bot.model.pipeline import RunnerName
from bot.ports import EnvironmentSpec, LogReader
from bot.steps.service_logs import LARGEST, ServiceLogs
from tests.fakes.adapters import FakeAdapters, FakeWorld
from tests.fakes.snapshots import REPO, environment, run

PREVIEW = replace(environment(), runner=RunnerName.DOCKER)


@pytest.fixture
def world() -> FakeWorld:
    key = EnvironmentKey(REPO, 12, "preview")
    deployed = cast("EnvironmentSpec", _Deployed({LABEL_RUN: "7"}))
    return FakeWorld(deployed={key: deployed})


class _Deployed:
    def __init__(self, labels: dict[str, str]) -> None:
        self.labels = labels


async def test_secrets_in_the_output_of_a_service_are_masked(world: FakeWorld) -> None:
    world.last_words = "password hunter22"
    logs = _logs(world, lambda text: text.replace("hunter22", "***"))

    found = await logs.read(run(7), "app", PREVIEW)

    assert found is not None
    assert found.text == "password ***"


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("x" * LARGEST, "x" * LARGEST),
        ("first\n" + "y" * (LARGEST - 5) + "\nlast", "last"),
        ("first\n" + "x" * LARGEST, "x" * LARGEST),
        ("first\nsecond\n" + "x" * (LARGEST - 7), "x" * (LARGEST - 7)),
    ],
    ids=["fits", "one line is whole", "one line is longer", "the line before is cut"],
)
async def test_of_a_flood_the_last_whole_lines_are_read(world: FakeWorld, written: str, kept: str) -> None:
    world.last_words = written

    found = await _logs(world, str).read(run(7), "app", PREVIEW)

    assert found is not None
    assert found.text == kept


def _logs(world: FakeWorld, mask: Any) -> ServiceLogs:
    nothing = cast("LogReader", None)
    return ServiceLogs({RunnerName.DOCKER: FakeAdapters(world)}, nothing, mask)
