"""Files of the commit in services, with a real engine."""

from typing import Any

import pytest

from bot.model.errors import TellUser
from bot.model.reason import Reason
from bot.ports import CopiedFile, ServiceSpec
from tests.runners.conftest import Stage

pytestmark = pytest.mark.docker


def service(stage: Stage, script: str, *files: CopiedFile, **changes: Any) -> ServiceSpec:
    command = ("sh", "-c", f"{script}; exec httpd -f -p 5432")
    return ServiceSpec("db", stage.tests_image, command=command, port=5432, files=files, **changes)


async def said(stage: Stage, script: str, *files: CopiedFile, **changes: Any) -> str:
    """Return the output of a service that has these files."""
    await stage.platform.deploy(stage.spec(services=[service(stage, script, *files, **changes)]), stage.log)
    return stage.container("db").logs().decode()


async def test_files_are_there_before_a_service_starts_beside_what_its_image_has(stage: Stage) -> None:
    files = (
        CopiedFile("/init/a/1.sql", b"one\n"),
        CopiedFile("/init/2.sh", b"#!/bin/sh\necho two\n", executable=True),
        CopiedFile("/bin/own.conf", b"three\n"),
    )

    found = await said(stage, "cat /init/a/1.sql; /init/2.sh; cat /bin/own.conf; ls /bin/httpd", *files)

    assert found.split() == ["one", "two", "three", "/bin/httpd"]
    assert "copied 3 files into db" in stage.log.text


async def test_a_service_can_change_and_read_them_in_a_volume(stage: Stage) -> None:
    file = CopiedFile("/data/conf", b"one\n")

    assert (
        await said(stage, "echo two >> /data/conf; cat /data/conf", file, volumes=("/data",)) == "one\ntwo\n"
    )


@pytest.mark.attack
@pytest.mark.parametrize("path", ["/bin", "/bin/sh/x"])
async def test_what_is_in_the_way_of_a_file_is_named_and_nothing_remains(stage: Stage, path: str) -> None:
    with pytest.raises(TellUser) as caught:
        await said(stage, "true", CopiedFile(path, b"x"))

    assert caught.value.reason is Reason.CONTAINER_UNSTARTABLE
    assert caught.value.facts["name"] == "db"
    assert stage.empty


@pytest.mark.attack
async def test_links_of_an_image_lead_nowhere_else(stage: Stage) -> None:
    image = stage.push(f"RUN ln -s /../../../../tmp/{stage.instance} /out && ln -s ../../../etc /rel\n")
    files = (CopiedFile("/rel/x", b"inside\n"),)
    spec = service(stage, "cat /etc/x", *files)

    await stage.platform.deploy(
        stage.spec(services=[ServiceSpec(**{**_fields(spec), "image": image.pinned})]), stage.log
    )

    assert stage.container("db").logs() == b"inside\n"


def _fields(spec: ServiceSpec) -> dict[str, Any]:
    return {name: getattr(spec, name) for name in ServiceSpec.__slots__}
