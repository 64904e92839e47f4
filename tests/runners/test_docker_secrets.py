"""Secrets in containers, with a real engine: who reads them, and that nothing of them stays anywhere."""

import asyncio
import io
import json
from typing import Any, cast

import pytest

from bot.model.holder import ANYONE
from bot.model.reason import Reason
from bot.model.secrets import SecretValue
from bot.ports import ServiceSpec
from tests.runners.conftest import KEY, Stage
from tests.runners.test_docker_hardening import inside

pytestmark = pytest.mark.docker

PASSWORD = "hunter2-9f86d081884c7d65"
SECRET = SecretValue("db-password", PASSWORD.encode())
READ = "cat /run/secrets/db-password"


async def test_a_service_reads_its_secret_from_a_file_that_it_cannot_change(stage: Stage) -> None:
    await stage.platform.deploy(stage.spec(secrets=[SECRET]), stage.log)

    assert await inside(stage, READ) == (0, PASSWORD)
    code, _ = await inside(stage, "echo x > /run/secrets/db-password || rm /run/secrets/db-password")
    assert code != 0
    _, mounts = await inside(stage, "cat /proc/mounts")
    assert "tmpfs /run/secrets tmpfs ro" in mounts


async def test_each_container_has_only_its_own(stage: Stage) -> None:
    database = ServiceSpec(
        name="db",
        image=stage.tests_image,
        command=("sh", "-c", "exec httpd -f -p 5432"),
        port=5432,
        secrets=[SECRET],
    )
    await stage.platform.deploy(
        stage.spec(services=[database], secrets=[SecretValue("other", b"value")]), stage.log
    )

    assert await inside(stage, "ls /run/secrets", "db") == (0, "db-password\n")
    assert await inside(stage, "ls /run/secrets", "app") == (0, "other\n")


CRASH = """\
exec 2>/dev/null
cd /tmp
ulimit -c unlimited
sh -c 'kill -SEGV $$' "$(cat /run/secrets/db-password)"
ls | wc -l
grep core /proc/self/limits
"""


@pytest.mark.attack
@pytest.mark.parametrize("part", ["app", "db"])
async def test_a_process_that_crashes_leaves_no_core_file(stage: Stage, part: str) -> None:
    database = ServiceSpec("db", stage.tests_image, command=("sh", "-c", "exec sleep 999"), secrets=[SECRET])
    await stage.platform.deploy(stage.spec(services=[database], secrets=[SECRET]), stage.log)

    _, output = await inside(stage, CRASH, part)
    files, limit = output.splitlines()

    assert files == "0"
    # Not 0, with which the kernel still starts a program that the host has for core files.
    assert limit.split()[-3:] == ["1", "1", "bytes"]


async def test_a_restarted_service_still_has_its_secret(stage: Stage) -> None:
    await stage.platform.deploy(stage.spec(secrets=[SECRET]), stage.log)

    await asyncio.to_thread(stage.container("app").restart, timeout=0)

    assert await inside(stage, READ) == (0, PASSWORD)


async def test_a_preview_whose_secrets_are_lost_counts_as_broken(stage: Stage) -> None:
    await stage.platform.deploy(stage.spec(secrets=[SECRET]), stage.log)

    await asyncio.to_thread(stage.container("app.secrets").kill)

    parts = {part.name: part for part in (await stage.platform.parts())[KEY]}
    assert parts["app.secrets"].reason is Reason.CONTAINER_STOPPED
    assert parts["app"].up


@pytest.mark.attack
async def test_the_engine_stores_no_secret(stage: Stage) -> None:
    await stage.platform.deploy(stage.spec(secrets=[SECRET]), stage.log)

    for container in stage.containers:
        told: dict[str, Any] = {"inspect": container.attrs, "changed": container.diff()}
        assert PASSWORD not in json.dumps(told)
        exported = io.BytesIO(b"".join(cast("Any", container.export())))
        assert PASSWORD.encode() not in exported.getvalue()
    committed = stage.container("app").commit()
    try:
        assert PASSWORD.encode() not in b"".join(committed.save())
    finally:
        stage.sdk.images.remove(str(committed.id))


@pytest.mark.attack
@pytest.mark.parametrize("path", ["/run/secrets", "/proc/*/root/run/secrets", "/proc/*/environ"])
async def test_another_container_does_not_reach_a_secret(stage: Stage, path: str) -> None:
    await stage.platform.deploy(stage.spec(secrets=[SECRET]), stage.log)

    output = await stage.platform.run_tests(
        stage.suite(f"ls -R {path} && grep -r {PASSWORD} {path} && exit 3; exit 0"), stage.log
    )

    assert output.exit_code == 0
    assert PASSWORD not in stage.log.text


async def test_nothing_is_left_of_a_removed_environment(stage: Stage) -> None:
    await stage.platform.deploy(stage.spec(secrets=[SECRET]), stage.log)
    volumes = {mount["Name"] for one in stage.containers for mount in one.attrs["Mounts"]}

    await stage.platform.remove(KEY, ANYONE)

    assert stage.empty
    assert volumes
    assert not volumes & {volume.name for volume in stage.sdk.volumes.list()}


async def test_a_suite_reads_its_secret_and_nothing_is_left_of_it(stage: Stage) -> None:
    output = await stage.platform.run_tests(
        stage.suite(f"test $({READ}) = {PASSWORD}", secrets=[SECRET], standalone=True), stage.log
    )

    assert output.exit_code == 0
    assert stage.empty


async def test_a_variable_has_its_secret(stage: Stage) -> None:
    value = SecretValue("db-password", PASSWORD.encode() + b"\n", "DATABASE_PASSWORD")
    output = await stage.platform.run_tests(
        stage.suite(
            f'test "$DATABASE_PASSWORD" = {PASSWORD} && ! ls /run/secrets', secrets=[value], standalone=True
        ),
        stage.log,
    )

    assert output.exit_code == 0


async def test_only_the_user_of_an_image_reads_its_secrets(stage: Stage) -> None:
    image = stage.push("EXPOSE 8080\nUSER 1000:1000\n")
    command = ("sh", "-c", "exec httpd -f -p 8080")
    await stage.platform.deploy(stage.spec(image=image, command=command, secrets=[SECRET]), stage.log)

    assert await inside(stage, READ) == (0, PASSWORD)
    assert await inside(stage, "stat -c '%a %u' /run/secrets/db-password") == (0, "400 1000\n")
