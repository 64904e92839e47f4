"""Secrets of the operator in the words under a pull request: who gets them, and who is refused and why."""

from dataclasses import replace
from pathlib import Path

import pytest

from bot.model.environment import EnvironmentKey
from bot.model.forge import RepoPath
from bot.model.secrets import SecretStep, SecretTrust
from bot.settings.model import SecretSettings, Settings
from tests.dialogue.offline import OfflineTester
from tests.dialogue.tester import REPO

CONFIG = """\
version: 1
on: {open: [], update: [], close: []}
deploy:
  secrets: [db-password]
"""
AUTOMATIC = CONFIG.replace("open: []", "open: [build, deploy]")
KEY = EnvironmentKey(RepoPath("team", "shop"), 1, "preview")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "password"
    file.touch(0o600)
    file.write_text("hunter2-9f86d081")
    return file


@pytest.fixture
def settings(settings: Settings, file: Path) -> Settings:
    granted = SecretSettings(("team/shop",), (SecretStep.DEPLOY,), file)
    others = replace(granted, repos=("team/other",))
    outside = replace(granted, trust=SecretTrust.APPROVED)
    beside = replace(granted, steps=(SecretStep.SERVICES,))
    found = {"db-password": granted, "key-of-others": others, "for-approved": outside, "of-db": beside}
    return replace(settings, secrets=found)


def rewrite(file: Path, text: str) -> None:
    file.write_text(text)


async def test_a_granted_secret_reaches_the_service(tester: OfflineTester) -> None:
    await tester.configure(CONFIG)
    await tester.open()
    assert "Preview ready" in await tester.says("/deploy")
    (secret,) = tester.world.deployed[KEY].secrets
    assert (secret.name, secret.value) == ("db-password", b"hunter2-9f86d081")


async def test_a_rotated_secret_reaches_the_next_deployment(tester: OfflineTester, file: Path) -> None:
    await tester.configure(CONFIG)
    await tester.open()
    await tester.says("/deploy")
    rewrite(file, "a-new-password")
    await tester.says("/deploy")
    assert tester.world.deployed[KEY].secrets[0].value == b"a-new-password"


@pytest.mark.attack
@pytest.mark.parametrize("name", ["no-such-secret", "key-of-others"])
async def test_a_secret_that_is_not_granted_is_refused_with_who_can_grant_it(
    tester: OfflineTester, name: str
) -> None:
    await tester.configure(CONFIG.replace("db-password", name))
    await tester.open()
    said = await tester.says("/deploy")
    assert (
        f"`deploy` in `.chatops.yml` asks for the secret `{name}`, which this repository may not use" in said
    )
    assert f'`[secrets.{name}] repos = ["team/shop"], steps = ["deploy"]`' in said
    assert await tester.runs() == []


@pytest.mark.attack
async def test_a_secret_for_another_step_is_refused(tester: OfflineTester) -> None:
    await tester.configure("version: 1\non: {open: [], close: []}\nbuild: {secrets: [db-password]}\n")
    await tester.open()
    said = await tester.says("/build")
    assert "which this repository may use only in other steps" in said
    assert await tester.runs() == []


@pytest.mark.attack
async def test_an_approved_commit_of_an_outside_contributor_has_none(tester: OfflineTester) -> None:
    await tester.configure(AUTOMATIC)
    await tester.opened_by_stranger()
    await tester.comment("/ok-to-test")
    said = "\n".join(await tester.read_all())
    assert "which commits of outside contributors do not get, even if they were approved" in said
    assert not tester.world.deployed
    assert "do not get, even if they were approved" in await tester.says("/deploy")


async def test_the_operator_can_give_one_to_approved_commits(tester: OfflineTester) -> None:
    await tester.configure(AUTOMATIC.replace("db-password", "for-approved"))
    await tester.opened_by_stranger()
    await tester.comment("/ok-to-test")
    assert "Preview ready" in "\n".join(await tester.read_all())
    assert tester.world.deployed[KEY].secrets[0].name == "for-approved"


@pytest.mark.attack
async def test_a_grant_is_checked_again_when_the_step_starts(tester: OfflineTester) -> None:
    await tester.configure(CONFIG)
    await tester.open()
    building = tester.world.script.hold("build")
    await tester.comment("/deploy")
    await building.reached()
    await tester.restart(secrets={})
    building.open()
    said = await tester.read()
    assert "which this repository may not use" in said
    assert not tester.world.deployed


async def test_a_secret_that_is_lost_is_the_operators_matter(tester: OfflineTester, file: Path) -> None:
    await tester.configure(CONFIG)
    await tester.open()
    rewrite(file, "")
    said = await tester.says("/deploy")
    assert "cannot read the secret `db-password`" in said
    assert str(file) not in said


async def test_a_secret_of_several_lines_is_no_variable(tester: OfflineTester, file: Path) -> None:
    await tester.configure(CONFIG.replace("secrets: [db-password]", "secret_env: {KEY: db-password}"))
    await tester.open()
    rewrite(file, "one line\nand another")
    said = await tester.says("/deploy")
    assert "`/deploy` was not run. The secret `db-password` has several lines" in said
    assert "List it under `secrets` instead of `secret_env`" in said
    assert await tester.runs() == []
    rewrite(file, "one line after a rotation")
    assert "Preview ready" in await tester.says("/deploy")


@pytest.mark.attack
async def test_nobody_makes_the_bot_read_a_secret_that_may_not_use_it(
    tester: OfflineTester, file: Path
) -> None:
    await tester.configure(CONFIG.replace("secrets: [db-password]", "secret_env: {KEY: db-password}"))
    await tester.open()
    rewrite(file, "never read before")
    assert "may not run this command" in await tester.says("/deploy", by="stranger")
    assert "never read before" not in tester.bot.deps.adapters.secrets.masker.secrets


async def test_a_value_that_becomes_unusable_meanwhile_fails_the_step(
    tester: OfflineTester, file: Path
) -> None:
    await tester.configure(CONFIG.replace("secrets: [db-password]", "secret_env: {KEY: db-password}"))
    await tester.open()
    building = tester.world.script.hold("build")
    await tester.comment("/deploy")
    await building.reached()
    rewrite(file, "one line\nand another")
    building.open()
    assert "has several lines" in await tester.read()
    assert not tester.world.deployed


async def test_a_bad_request_for_a_secret_is_reported_with_its_line(tester: OfflineTester) -> None:
    bad = "deploy:\n  secrets: [Db Password]\n  secret_env: {PATH: x, CHATOPS_SHA: x, LD_PRELOAD: x}\n"
    await tester.configure(f"version: 1\n{bad}")
    said = await tester.opened()
    assert "Expected the name of a secret" in said
    assert said.count("This variable is set by the bot or by the system") == 3


async def test_a_service_of_a_compose_file_gets_its_secret_alone(tester: OfflineTester) -> None:
    compose = (
        "services: {web: {build: ., ports: [80]}, db: {image: 'postgres:16'}, mq: {image: 'rabbitmq:3'}}\n"
    )
    own = "deploy: {compose: compose.yml, secrets: [db-password]}\nservices: {db: {secrets: [of-db]}}\n"
    await tester.gitee.commit(REPO, "master", {"compose.yml": compose, ".chatops.yml": own}, by="lin")
    assert "Preview ready" in await tester.opened()

    spec = tester.world.deployed[KEY]
    assert {one.name: [each.name for each in one.secrets] for one in spec.services} == {
        "db": ["of-db"],
        "mq": [],
    }
    assert [one.name for one in spec.secrets] == ["db-password"]
