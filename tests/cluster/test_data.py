"""Data of services that outlives deployments on a real cluster, and commands in the images of services."""

import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bot.core import naming
from bot.model.errors import TellUser
from bot.model.holder import Holder
from bot.model.pipeline import SetupCommand, SetupTime
from bot.model.reason import Reason
from bot.ports import CopiedFile, ServiceSpec, SetupSpec
from tests.cluster.access import Access, named
from tests.cluster.previews import Previews
from tests.cluster.visit import Visit
from tests.fakes.log import FakeLog

pytestmark = pytest.mark.xdist_group("default StorageClass")

COUNT = "echo x >> /data/runs; wc -l < /data/runs > /data/index.html; exec httpd -f -p 5432 -h /data"
FETCH = "until wget -qO /dev/shm/index.html http://db:5432/; do sleep 0.2; done; "
FETCH += "exec httpd -f -p 8080 -h /dev/shm"


@pytest.fixture
def storage(cluster: Access, previews: Previews) -> Iterator[None]:
    """Make a StorageClass the default whose only volume is for the claim of these tests."""
    folder, name = Path(f"/tmp/chatops-{uuid.uuid4().hex[:8]}"), f"kept-{uuid.uuid4().hex[:8]}"
    folder.mkdir()
    folder.chmod(0o777)
    default = {"storageclass.kubernetes.io/is-default-class": "true"}
    made: list[Any] = [
        {
            "apiVersion": "storage.k8s.io/v1",
            "kind": "StorageClass",
            "metadata": {"name": name, "annotations": default},
            "provisioner": "kubernetes.io/no-provisioner",
        },
        {
            "apiVersion": "v1",
            "kind": "PersistentVolume",
            "metadata": {"name": name},
            "spec": {
                "capacity": {"storage": "100Gi"},
                "accessModes": ["ReadWriteOnce"],
                "storageClassName": name,
                "persistentVolumeReclaimPolicy": "Retain",
                "hostPath": {"path": str(folder)},
                "claimRef": {"namespace": previews.namespace, "name": naming.data("db", "/data")},
            },
        },
    ]
    for item in made:
        cluster.create(item)
    yield
    for item in made:
        cluster.kind(item["apiVersion"], item["kind"]).delete(name=name)
    for file in folder.iterdir():
        file.unlink()
    folder.rmdir()


def environment(previews: Previews, run: int, **changes: Any) -> Any:
    """Return a deployment whose service counts how often it has started with its data."""
    image = previews.image.pinned
    service = ServiceSpec("db", image, command=("sh", "-c", COUNT), port=5432, volumes=("/data",))
    labels = naming.labels(previews.key, sha="a" * 40, run=run)
    plain = {"services": [service], "command": ("sh", "-c", FETCH), "labels": labels, "keeps_data": True}
    return previews.environment(**{**plain, **changes})


@pytest.mark.usefixtures("storage")
async def test_data_is_kept_over_deployments_and_failures_until_the_environment_goes(
    previews: Previews, cluster: Access, visit: Visit, log: FakeLog
) -> None:
    setup = SetupSpec((SetupCommand("echo seeded", when=SetupTime.FRESH), SetupCommand("echo migrated")), 300)
    for run in (1, 2):
        await previews.platform.deploy(environment(previews, run, setup=setup), log)
        assert visit(previews.host).text == f"{run}\n", log.text
    lines = log.text.splitlines()
    assert lines.count("seeded") == 1
    assert lines.count("migrated") == 2
    assert [line for line in lines if line.startswith("db ")] == [
        "db begins without data: /data",
        "db keeps its data: /data",
    ]

    with pytest.raises(TellUser):
        await previews.platform.deploy(
            environment(previews, 3, setup=SetupSpec((SetupCommand("exit 1"),), 300)), log
        )

    (item,) = [one for one in await previews.platform.inventory() if one.key == previews.key]
    assert item.keeps_data
    assert list(cluster.kind("apps/v1", "Deployment").get(namespace=previews.namespace).items) == []
    await previews.platform.deploy(environment(previews, 4), log)
    assert visit(previews.host).text == "4\n"

    await previews.platform.remove(previews.key, Holder(5))

    assert not cluster.exists(named("v1", "Namespace", previews.namespace))


async def test_without_a_default_class_the_deployment_says_so(previews: Previews, log: FakeLog) -> None:
    with pytest.raises(TellUser) as caught:
        await previews.platform.deploy(environment(previews, 1), log)

    assert caught.value.reason is Reason.NO_STORAGE_CLASS


async def test_a_command_has_the_image_and_the_files_of_its_service(previews: Previews, log: FakeLog) -> None:
    service = ServiceSpec(
        "db",
        previews.image.pinned,
        {"WORD": "two"},
        ("sh", "-c", COUNT),
        port=5432,
        volumes=("/data",),
        files=[CopiedFile("/seed/a.sql", b"one\n")],
    )
    run = "cat < /seed/a.sql; echo $WORD; wget -qO - db:5432/"
    setup = SetupSpec((SetupCommand(run, service="db"), SetupCommand("cat /seed/a.sql || echo app")), 300)
    spec = environment(previews, 1, services=[service], setup=setup, keeps_data=False)

    await previews.platform.deploy(spec, log)

    lines = log.text.splitlines()
    begun = lines.index(f"setup 1 of 2 in the image of db: {run}")
    assert lines[begun + 1 : begun + 5] == ["one", "two", "1", "setup 1 of 2 is done"]
    assert "app" in lines[begun + 5 :]
