"""Files of the commit in services on a real cluster."""

from typing import Any

import pytest

from bot.core import naming
from bot.core.deciding.service_files import LARGEST
from bot.model.errors import TellUser
from bot.model.pipeline import RunnerName
from bot.model.reason import Reason
from bot.ports import CopiedFile, ServiceSpec
from tests.cluster.access import Access, named
from tests.cluster.previews import Previews
from tests.cluster.visit import Visit
from tests.fakes.log import FakeLog

SERVE = "{ cat /init/a/1.sql; /init/2.sh; ls /bin/httpd /bin/own; wc -c < /bin/own; } > /data/index.html;"
SERVE += " exec httpd -f -p 5432 -h /data"
FETCH = "until wget -qO /dev/shm/index.html http://db:5432/; do sleep 0.2; done; "
FETCH += "exec httpd -f -p 8080 -h /dev/shm"


def environment(previews: Previews, *files: CopiedFile, run: int = 7, **changes: Any) -> Any:
    service = ServiceSpec(
        "db",
        previews.image.pinned,
        command=("sh", "-c", changes.pop("serve", SERVE)),
        port=5432,
        volumes=("/data",),
        files=files,
    )
    labels = naming.labels(previews.key, sha="a" * 40, run=run)
    return previews.environment(services=[service], command=("sh", "-c", FETCH), labels=labels, **changes)


async def test_a_service_has_the_files_of_its_commit_beside_those_of_its_image(
    previews: Previews, cluster: Access, visit: Visit, log: FakeLog
) -> None:
    # As many bytes as the step lets through.
    rest = LARGEST[RunnerName.KUBERNETES] - 100
    files = [
        CopiedFile("/init/a/1.sql", b"one\n"),
        CopiedFile("/init/2.sh", b"#!/bin/sh\necho two\n", executable=True),
        CopiedFile("/bin/own", bytes(rest)),
    ]

    await previews.platform.deploy(environment(previews, *files), log)

    assert visit(previews.host).text.split() == ["one", "two", "/bin/httpd", "/bin/own", str(rest)]

    # Those that a later commit does not have are gone.
    later = environment(previews, run=8, serve="ls /init > /data/index.html; exec httpd -f -p 5432 -h /data")
    await previews.platform.deploy(later, log)

    assert visit(previews.host).text == ""
    assert not cluster.exists(named("v1", "ConfigMap", "db-files", previews.namespace))


@pytest.mark.attack
async def test_a_file_in_the_place_of_a_folder_ends_the_deployment(previews: Previews, log: FakeLog) -> None:
    with pytest.raises(TellUser) as caught:
        await previews.platform.deploy(environment(previews, CopiedFile("/bin", b"x")), log)

    assert caught.value.reason is Reason.CONTAINER_UNSTARTABLE
    assert caught.value.facts["name"] == "db"
