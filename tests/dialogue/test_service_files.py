"""Files of the commit in services: who gets which, and what the comment says if they cannot be copied."""

import pytest

from bot.core.deciding.service_files import LARGEST
from bot.model.pipeline import RunnerName
from bot.ports import CopiedFile
from tests.dialogue.offline import OfflineTester

CONFIG = """\
version: 1
services:
  db:
    image: postgres:16
    files: {/docker-entrypoint-initdb.d: db/init, /etc/db.conf: db.conf}
"""
SQL = b"create table book ();"


@pytest.fixture
async def configured(tester: OfflineTester) -> OfflineTester:
    await tester.configure(CONFIG)
    tester.world.contents = {"db/init/1.sql": SQL, "db/init/2.sh": b"true", "db.conf": b"a=1", "other": b"x"}
    return tester


def log_of(tester: OfflineTester) -> str:
    return "\n".join(tester.world.logs[1, "deploy"].notes)


async def test_a_service_gets_the_files_that_it_names(configured: OfflineTester) -> None:
    assert "Preview ready" in await configured.opened()

    (spec,) = configured.world.deployed.values()
    assert spec.services[0].files == (
        CopiedFile("/docker-entrypoint-initdb.d/1.sql", SQL),
        CopiedFile("/docker-entrypoint-initdb.d/2.sh", b"true", executable=True),
        CopiedFile("/etc/db.conf", b"a=1"),
    )


async def test_a_service_gets_no_files_of_another(configured: OfflineTester) -> None:
    mail, plain = "mail: {image: mailpit, files: {/etc/o: other}}", "plain: {image: nginx}"
    await configured.configure(f"{CONFIG}  {mail}\n  {plain}\n")
    assert "Preview ready" in await configured.opened()

    (spec,) = configured.world.deployed.values()
    found = {one.name: [file.path for file in one.files] for one in spec.services}
    assert (len(found["db"]), found["mail"], found["plain"]) == (3, ["/etc/o"], [])


async def test_what_is_not_copied_is_in_the_log(configured: OfflineTester) -> None:
    del configured.world.contents["db.conf"]
    configured.world.contents["db/init/1.sql"] = b"version https://git-lfs.github.com/spec/v1\n"
    configured.world.submodules = ("db/init/lib",)
    assert "Preview ready" in await configured.opened()

    log = log_of(configured)
    assert "db: nothing is copied from db.conf, which the commit does not have" in log
    assert "db: db/init/lib is not copied: it is a submodule" in log
    assert "db: db/init/1.sql is in Git LFS, whose contents are not fetched" in log


@pytest.mark.attack
async def test_files_of_an_untrusted_commit_come_from_the_base_branch(configured: OfflineTester) -> None:
    """They run with the rights of a database, which are more than a commit of a stranger has."""
    await configured.opened_by_stranger()
    await configured.comment("/ok-to-test")
    assert any("Preview ready" in text for text in await configured.read_all())

    base = configured.pull.base_sha
    assert f"db/init, db.conf is read from the base branch, commit {base[:8]}" in log_of(configured)


@pytest.mark.attack
async def test_a_link_is_refused_by_name(configured: OfflineTester) -> None:
    configured.world.links = ("db/init/passwd",)

    said = await configured.opened()

    assert "`db/init/passwd` cannot be copied into `db`: it is a symbolic link" in said
    assert configured.world.deployed == {}


@pytest.mark.attack
async def test_what_is_too_large_is_refused_by_name(configured: OfflineTester) -> None:
    configured.world.contents["db/init/2.sh"] = bytes(LARGEST[RunnerName.DOCKER] - len(SQL) + 1)

    said = await configured.opened()

    assert "The `files` for `db` have more than 16 MiB in all; `db/init/2.sh` no longer fits." in said
    assert configured.world.deployed == {}


@pytest.mark.attack
async def test_many_files_are_refused(configured: OfflineTester) -> None:
    configured.world.contents |= {f"db/init/{number}.sql": SQL for number in range(200)}

    assert "`files` names more than 100 files for `db`." in await configured.opened()
    assert configured.world.deployed == {}


async def test_a_mistake_is_answered_with_its_place(tester: OfflineTester) -> None:
    await tester.configure(CONFIG.replace("db/init", "../db"))
    await tester.open()

    said = await tester.read()
    assert (
        "Line 5, column 42, `services.db.files./docker-entrypoint-initdb.d`: Expected a path in the" in said
    )


@pytest.mark.attack
async def test_what_is_too_large_for_all_services_together_is_refused(configured: OfflineTester) -> None:
    await configured.configure(f"{CONFIG}  mail: {{image: mailpit, files: {{/etc/o: other}}}}\n")
    configured.world.contents["db/init/2.sh"] = bytes(LARGEST[RunnerName.DOCKER] // 2)
    configured.world.contents["other"] = bytes(LARGEST[RunnerName.DOCKER] // 2)

    said = await configured.opened()

    assert "for `db, mail` have more than 16 MiB in all; `other` no longer fits" in said
    assert configured.world.deployed == {}
