"""Jobs get the ids of credentials in Jenkins, never the values of secrets."""

from dataclasses import replace
from pathlib import Path

import pytest

from bot.model.secrets import SecretStep
from bot.settings.model import SecretSettings, Settings
from playground.jenkins.server import DECLARED, OfflineJenkins
from playground.jenkins.stories import BuildHandle
from tests.dialogue.offline import OfflineTester

CONFIG = """\
on: {open: [], update: [], close: []}
test:
  runner: jenkins
  job: "{owner}/e2e"
  secrets: [npm-token]
  secret_env: {TOKEN: npm-token, CERT: cert}
"""
VALUE = "hunter2-9f86d081"
ONLY_IN_JENKINS = "only-jenkins-knows"
CREDENTIALS = {"npm-read-only": VALUE, "cert_2026.1": ONLY_IN_JENKINS}
OUTSIDE = "from outside the block:"


async def uses_them(handle: BuildHandle) -> str:
    """Show what the job gets: Jenkins masks it while it is bound, and no longer after that."""
    files, variables = handle.bind("CHATOPS_CREDENTIALS"), handle.bind("CHATOPS_CREDENTIAL_ENV")
    handle.log(f"bound {files} {variables}")
    handle.build.console.masked.clear()
    handle.log(f"{OUTSIDE} {VALUE}")
    return "SUCCESS"


@pytest.fixture
def settings(settings: Settings, tmp_path: Path) -> Settings:
    file = tmp_path / "npm-token"
    file.touch(0o600)
    file.write_text("before the rotation")
    test = (SecretStep.TEST,)
    found = {
        "npm-token": SecretSettings(("team/shop",), test, file, jenkins="npm-read-only"),
        "cert": SecretSettings(("team/shop",), test, jenkins="cert_2026.1"),
    }
    return replace(settings, secrets=found)


@pytest.mark.attack
async def test_a_job_gets_ids_and_no_value(
    tester: OfflineTester, jenkins: OfflineJenkins, settings: Settings
) -> None:
    job = jenkins.add_job("team/e2e", uses_them, credentials=CREDENTIALS)
    await tester.configure(CONFIG)
    await tester.open()
    file = settings.secrets["npm-token"].file
    assert file is not None
    file.write_text(VALUE)
    said = await tester.says("/test")

    (build,) = job.builds.values()
    assert build.result == "SUCCESS"
    assert build.parameters["CHATOPS_CREDENTIALS"] == "npm-token=npm-read-only"
    assert build.parameters["CHATOPS_CREDENTIAL_ENV"] == "TOKEN=npm-read-only,CERT=cert_2026.1"
    assert VALUE not in str(build.parameters)
    log = tester.bot.deps.adapters.secrets.masker.mask(tester.world.logs[1, "test"].text)
    assert "'CERT': '****'" in log
    assert VALUE not in said + log
    assert f"{OUTSIDE} ***" in log


async def test_a_job_without_the_parameter_is_not_started(
    tester: OfflineTester, jenkins: OfflineJenkins
) -> None:
    declared = set(DECLARED) - {"CHATOPS_CREDENTIAL_ENV"}
    jenkins.add_job("team/e2e", uses_them, parameters=declared, credentials=CREDENTIALS)
    await tester.configure(CONFIG)
    await tester.open()
    said = await tester.says("/test")
    assert "does not declare `CHATOPS_CREDENTIAL_ENV`" in said
    assert jenkins.triggers() == 0


async def test_a_job_that_asks_for_nothing_needs_no_such_parameter(
    tester: OfflineTester, jenkins: OfflineJenkins
) -> None:
    jenkins.add_job("team/e2e", parameters=("CHATOPS_RUN",))
    await tester.configure(CONFIG.partition("  secrets:")[0])
    await tester.open()
    assert "passed" in await tester.says("/test")


async def test_a_credential_that_jenkins_does_not_have_fails_the_build(
    tester: OfflineTester, jenkins: OfflineJenkins
) -> None:
    jenkins.add_job("team/e2e", uses_them, credentials={"npm-read-only": VALUE})
    await tester.configure(CONFIG)
    await tester.open()
    said = await tester.says("/test")
    assert "Could not find credentials entry with ID 'cert_2026.1'" in said


@pytest.mark.attack
async def test_a_secret_without_a_credential_is_refused_with_the_line_to_add(
    tester: OfflineTester, jenkins: OfflineJenkins, settings: Settings
) -> None:
    jenkins.add_job("team/e2e", uses_them)
    token = replace(settings.secrets["npm-token"], jenkins="")
    await tester.restart(secrets={**settings.secrets, "npm-token": token})
    await tester.configure(CONFIG)
    await tester.open()
    said = await tester.says("/test")
    assert "asks for the secret `npm-token`, but the runner `jenkins` cannot deliver it" in said
    assert '`[secrets.npm-token] jenkins = "ID"`' in said
    assert jenkins.triggers() == 0


@pytest.mark.attack
async def test_a_job_for_an_outside_contributor_gets_no_credential(
    tester: OfflineTester, jenkins: OfflineJenkins
) -> None:
    jenkins.add_job("team/e2e", uses_them, credentials=CREDENTIALS)
    await tester.configure(CONFIG.replace("open: []", "open: [test]"))
    await tester.opened_by_stranger()
    await tester.comment("/ok-to-test")
    assert "do not get, even if they were approved" in "\n".join(await tester.read_all())
    assert jenkins.triggers() == 0


async def test_a_value_that_the_bot_cannot_read_to_mask_it_starts_no_job(
    tester: OfflineTester, jenkins: OfflineJenkins, settings: Settings
) -> None:
    jenkins.add_job("team/e2e", uses_them, credentials=CREDENTIALS)
    await tester.configure(CONFIG)
    await tester.open()
    file = settings.secrets["npm-token"].file
    assert file is not None
    file.write_text("")
    assert "cannot read the secret `npm-token`" in await tester.says("/test")
    assert jenkins.triggers() == 0
