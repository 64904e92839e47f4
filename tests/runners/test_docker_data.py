"""Data of services that outlives deployments, and commands in the images of services, with a real engine."""

from dataclasses import replace
from typing import Any

import pytest

from bot.core import naming
from bot.core.environments.setup import title
from bot.model.errors import Overtaken, RetryLater, TellUser
from bot.model.forge import RepoPath
from bot.model.holder import LAST, Holder
from bot.model.inventory import ItemKind
from bot.model.pipeline import SetupCommand, SetupTime
from bot.model.reason import Reason
from bot.model.secrets import SecretValue
from bot.ports import CopiedFile, EnvironmentSpec, ServiceSpec, SetupSpec
from bot.runners.docker.purge import purge
from tests.runners.conftest import KEY, Stage

pytestmark = pytest.mark.docker

COUNT = "echo x >> /data/runs; wc -l < /data/runs; exec httpd -f -p 5432"


def labels(run: int) -> dict[str, str]:
    return naming.labels(KEY, sha="1a2b", run=run)


def spec(stage: Stage, run: int, **changes: Any) -> EnvironmentSpec:
    """Return a deployment whose service counts how often it has started with its data."""
    service = ServiceSpec("db", stage.tests_image, command=("sh", "-c", COUNT), port=5432, volumes=("/data",))
    plain = {"services": [service], "labels": labels(run), "keeps_data": True}
    return stage.spec(**{**plain, **changes})


async def starts(stage: Stage, run: int, **changes: Any) -> int:
    """Deploy, and return how often the service has started with its data."""
    await stage.platform.deploy(spec(stage, run, **changes), stage.log)
    return int(stage.container("db").logs())


async def test_data_is_kept_until_the_environment_goes(stage: Stage) -> None:
    assert [await starts(stage, run) for run in (1, 2, 3)] == [1, 2, 3]
    assert len(stage.volumes) == 1
    assert "db begins without data: /data" in stage.log.text
    assert "db keeps its data: /data" in stage.log.text

    await stage.platform.remove(KEY, Holder(4))

    assert stage.empty
    assert stage.volumes == []


async def test_data_is_new_by_default(stage: Stage) -> None:
    assert [await starts(stage, run, keeps_data=False) for run in (1, 2)] == [1, 1]
    assert stage.volumes == []


async def test_data_that_is_no_longer_kept_goes(stage: Stage) -> None:
    assert await starts(stage, 1) == 1
    assert await starts(stage, 2, keeps_data=False, beside=Holder(1, LAST)) == 1
    assert len(stage.volumes) == 1  # The deployment that still answers has it.

    await stage.platform.retire(KEY, Holder(2))

    assert stage.volumes == []


async def test_a_reset_begins_anew(stage: Stage) -> None:
    assert [await starts(stage, 1), await starts(stage, 2, renews_data=True)] == [1, 1]
    assert "db begins without data, as asked for: /data" in stage.log.text
    assert await starts(stage, 3) == 2


@pytest.mark.attack
async def test_data_of_other_trust_is_never_used(stage: Stage) -> None:
    assert await starts(stage, 1) == 1
    assert await starts(stage, 2, trusted=False) == 1
    assert "that of a commit with other trust is not used: /data" in stage.log.text
    assert await starts(stage, 3, trusted=False) == 2
    assert await starts(stage, 4) == 1


def taken(stage: Stage, **changes: str) -> str:
    """Create a volume with the name of the service's data and other labels, and return the name."""
    name = naming.volume(KEY, "db", "/data", stage.instance)
    stage.sdk.volumes.create(name, labels={naming.LABEL_INSTANCE: stage.instance, **changes})
    return name


@pytest.mark.attack
async def test_a_volume_of_another_environment_is_never_used(stage: Stage) -> None:
    other = replace(KEY, repo=RepoPath("other", "shop"))
    name = taken(stage, **naming.labels(other, sha="1a2b", run=1), **{naming.LABEL_DATA: "trusted"})
    with pytest.raises(RetryLater) as caught:
        await starts(stage, 2)
    assert caught.value.facts["message"] == f"the volume {name} exists already, and is not of this deployment"
    assert stage.empty
    assert stage.volumes == [name]


@pytest.mark.attack
async def test_data_of_other_trust_that_cannot_be_removed_is_not_used(stage: Stage) -> None:
    await starts(stage, 1)
    (name,) = stage.volumes
    other = stage.sdk.containers.create(
        stage.tests_image, "true", volumes=[f"{name}:/data"], labels={naming.LABEL_INSTANCE: stage.instance}
    )
    with pytest.raises(RetryLater) as caught:
        await starts(stage, 2, trusted=False)
    assert caught.value.facts["message"] == f"a container has the volume {name}, which has to be removed"
    assert [one.id for one in stage.containers] == [other.id]

    other.remove()
    assert await starts(stage, 3, trusted=False) == 1


@pytest.mark.attack
async def test_one_deployment_alone_has_the_data(stage: Stage) -> None:
    await starts(stage, 1)
    await starts(stage, 2)

    (volume,) = stage.volumes
    wanted: Any = {"volume": volume}
    assert len(stage.sdk.containers.list(all=True, filters=wanted)) == 1


async def test_a_failed_deployment_leaves_the_data_of_those_before_it_and_none_of_its_own(
    stage: Stage,
) -> None:
    broken = {"command": ("sh", "-c", "exit 3")}
    with pytest.raises(TellUser):
        await starts(stage, 1, **broken)
    assert stage.empty
    assert stage.volumes == []

    assert await starts(stage, 2) == 1
    with pytest.raises(TellUser):
        await starts(stage, 3, **broken)
    assert stage.empty
    assert await starts(stage, 4) == 3


async def test_what_an_interrupted_attempt_has_begun_is_not_used(stage: Stage) -> None:
    await starts(stage, 1)
    assert await starts(stage, 1) == 1
    assert "an earlier attempt had not finished it" in stage.log.text


async def test_a_cancelled_deployment_leaves_the_data_of_those_before_it(stage: Stage) -> None:
    await starts(stage, 1)
    await stage.platform.remove(KEY, Holder(2), keep_data=True)
    assert stage.empty
    assert await starts(stage, 3) == 2


async def test_data_of_a_later_run_is_not_touched(stage: Stage) -> None:
    await starts(stage, 7)
    await stage.platform.remove(KEY, Holder(8), keep_data=True)

    with pytest.raises(Overtaken) as caught:
        await starts(stage, 5)

    assert [item.kind for item in caught.value.items] == [ItemKind.VOLUME]
    await stage.platform.remove(KEY, Holder(5))
    assert len(stage.volumes) == 1


async def test_the_garbage_collector_finds_and_removes_it(stage: Stage) -> None:
    await starts(stage, 1)
    (item,) = [one for one in await stage.platform.inventory() if one.kind is ItemKind.VOLUME]
    assert (item.key, item.run, item.keeps_data) == (KEY, 1, True)
    assert item.made_at is not None
    assert await stage.platform.remove_items([item]) == ()  # A container has it.

    await stage.platform.remove(KEY, Holder(2), keep_data=True)

    assert await stage.platform.remove_items([item]) == (item,)
    assert stage.volumes == []


async def test_a_purge_leaves_no_data(stage: Stage) -> None:
    await starts(stage, 1)
    await purge(stage.instance)
    assert stage.empty
    assert stage.volumes == []


async def test_some_commands_run_only_where_the_data_is_new(stage: Stage) -> None:
    setup = SetupSpec((SetupCommand("echo migrated"), SetupCommand("echo seeded", when=SetupTime.FRESH)))
    await starts(stage, 1, setup=setup)
    assert stage.log.text.count("\nseeded\n") == 1

    await starts(stage, 2, setup=setup)

    assert stage.log.text.count("\nseeded\n") == 1
    assert stage.log.text.count("\nmigrated\n") == 2
    assert "setup 2 of 2 is left out: the data is kept" in stage.log.text


async def test_a_command_has_the_image_variables_secrets_and_files_of_its_service(stage: Stage) -> None:
    image = stage.push("RUN mkdir /only && echo tool > /only/here\n")
    service = ServiceSpec(
        "db",
        image.pinned,
        {"WORD": "two"},
        ("sh", "-c", COUNT),
        port=5432,
        secrets=[SecretValue("key", b"three")],
        volumes=("/data",),
        working_dir="/only",
        files=[CopiedFile("/seed/a.sql", b"four\n")],
    )
    run = "cat here; echo $WORD; cat /run/secrets/key; echo; cat < /seed/a.sql; wget -qO - db:5432/here"
    setup = SetupSpec((SetupCommand(run, service="db"), SetupCommand("ls /only || echo app")))

    await stage.platform.deploy(spec(stage, 1, services=[service], setup=setup), stage.log)

    lines = stage.log.text.splitlines()
    begun = lines.index(f"setup 1 of 2 in the image of db: {title(run)}")
    assert [one for one in lines[begun + 1 :] if " " not in one and "/" not in one][:6] == [
        *("tool", "two", "three", "four", "tool", "app"),
    ]
    assert sorted(str(one.name).rpartition("-")[2] for one in stage.containers) == ["app", "db", "db.secrets"]


@pytest.mark.attack
async def test_a_command_never_has_the_data_itself(stage: Stage) -> None:
    setup = SetupSpec((SetupCommand("ls /data/runs", service="db"),))
    with pytest.raises(TellUser) as caught:
        await starts(stage, 1, setup=setup)
    assert caught.value.reason is Reason.SETUP_FAILED
    assert stage.empty
