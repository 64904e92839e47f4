"""The doctor's checks of Jenkins, against the offline Jenkins and the offline Gitee."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from bot.doctor import jenkins as check
from bot.doctor.findings import DoctorOptions, Finding, State
from bot.model.text import Language
from bot.settings.model import GiteeSettings, JenkinsSettings, ReposSettings, Secret, Settings
from playground.jenkins.server import OfflineJenkins
from playground.server import OfflineGitee

PIPELINE = """\
build: {runner: jenkins, job: "{owner}/build", parameters: {REF: "{ref}"}}
deploy: {runner: jenkins, job: "{owner}/{name}/PR-{number}"}
"""


@pytest.fixture
async def gitee(tmp_path: Path) -> AsyncIterator[OfflineGitee]:
    async with OfflineGitee(tmp_path / "gitee", changes={}) as opened:
        for login in ("lin", "chatops-bot"):
            opened.add_user(login)
        members = {"lin": "admin", "chatops-bot": "admin"}
        await opened.add_repository("team/shop", {".chatops.yml": PIPELINE}, members=members)  # type: ignore[arg-type] # a literal
        yield opened


@pytest.fixture
async def jenkins() -> AsyncIterator[OfflineJenkins]:
    async with OfflineJenkins() as opened:
        opened.add_user("chatops", token="11token", password="s3cret")
        opened.add_job("team/build", parameters=("CHATOPS_RUN", "REF"))
        opened.add_job("team/shop/PR-1")
        yield opened


@pytest.fixture
def settings(gitee: OfflineGitee, jenkins: OfflineJenkins) -> Settings:
    return Settings(
        gitee=GiteeSettings(url=gitee.url, api_url=gitee.api_url, token=Secret(gitee.token("chatops-bot"))),
        repos=ReposSettings(("team/shop",)),
        jenkins=JenkinsSettings(
            url=jenkins.url, user="chatops", token=Secret("11token"), jobs=("{owner}/**",)
        ),
    )


async def findings(settings: Settings) -> list[Finding]:
    found = list(await check.check(DoctorOptions(settings)))
    assert all(one.found.en != one.found.say(Language.ZH) for one in found)
    return found


async def test_a_correct_setup_passes(settings: Settings, jenkins: OfflineJenkins) -> None:
    account, job, each = await findings(settings)
    assert (account.state, account.found.en) == (State.FINE, f"the bot is chatops at {jenkins.url}")
    assert (job.state, job.found.en) == (State.FINE, "team/build is ready")
    assert (each.state, "PR-{number}" in each.found.en) == (State.NOTE, True)
    assert jenkins.triggers() == 0


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"url": "http://127.0.0.1:1"}, "Jenkins does not respond"),
        ({"token": Secret("wrong")}, "the account was refused"),
        ({"user": ""}, "the account lacks hudson.model.Hudson.Read"),
        ({"jobs": ()}, "no repository may use any job"),
        ({"jobs": ("shared/**",)}, "team/shop may not use team/build"),
    ],
)
async def test_wrong_settings_are_reported(
    settings: Settings, changes: dict[str, object], expected: str
) -> None:
    chosen = replace(settings, jenkins=replace(settings.jenkins, **changes))  # type: ignore[arg-type] # a table's row
    wrong = [one for one in await findings(chosen) if one.state is State.WRONG]
    assert any(expected in one.found.en for one in wrong)
    assert all(one.advice for one in wrong)


async def test_a_password_is_a_note(settings: Settings) -> None:
    chosen = replace(settings.jenkins, token=Secret(""), password=Secret("s3cret"))
    account, *_ = await findings(replace(settings, jenkins=chosen))
    assert (account.state, "with its password" in account.found.en) == (State.NOTE, True)


async def test_a_jenkins_that_is_going_away_is_a_note(settings: Settings, jenkins: OfflineJenkins) -> None:
    jenkins.quiet_down()
    account, *_ = await findings(settings)
    assert (account.state, "is shutting down" in account.found.en) == (State.NOTE, True)


async def test_another_server_is_not_jenkins(settings: Settings, jenkins: OfflineJenkins) -> None:
    jenkins.faults.add("GET", "/", status=404, body="default backend - 404", times=99)
    account, *_ = await findings(settings)
    assert "is not a Jenkins server" in account.found.en


@pytest.mark.parametrize(
    ("job", "expected", "state"),
    [
        (None, "team/build does not exist, or the bot cannot see it", State.WRONG),
        ({"buildable": False}, "team/build is disabled", State.WRONG),
        ({"parameters": ("CHATOPS_RUN",)}, "team/build does not declare REF", State.WRONG),
        ({"parameters": None}, "team/build does not declare CHATOPS_RUN, REF", State.WRONG),
        ({"parameters": ("CHATOPS_RUN", "REF"), "grants": {"chatops": frozenset({"Read"})}},
         "may be unable to start it", State.NOTE),
    ],
)  # fmt: skip
async def test_unsuitable_jobs_are_reported(
    settings: Settings, jenkins: OfflineJenkins, job: dict[str, object] | None, expected: str, state: State
) -> None:
    del jenkins.scheduler.jobs["team/build"]
    if job is not None:
        jenkins.add_job("team/build", **job)  # type: ignore[arg-type] # a table's row
    _, found, _ = await findings(settings)
    assert (found.state, expected in found.found.en) == (state, True)


async def test_a_missing_folder_is_reported(settings: Settings, jenkins: OfflineJenkins) -> None:
    del jenkins.scheduler.jobs["team/shop/PR-1"]
    *_, each = await findings(settings)
    assert (each.state, each.found.en[:24]) == (State.WRONG, "team/shop does not exist")


@pytest.mark.parametrize(
    ("asks", "missing"),
    [
        ("test: {runner: jenkins, job: e2e, secrets: [token]}", "CHATOPS_CREDENTIALS"),
        ("test: {runner: jenkins, job: e2e, secret_env: {TOKEN: token}}", "CHATOPS_CREDENTIAL_ENV"),
        (
            "deploy: {runner: jenkins, job: e2e, environments: {staging: {secrets: [token]}}}",
            "CHATOPS_CREDENTIALS",
        ),
        ("build: {runner: jenkins, job: e2e, secrets: [token]}", "CHATOPS_CREDENTIALS"),
    ],
)
async def test_a_job_must_declare_the_parameter_for_its_credentials(
    settings: Settings, gitee: OfflineGitee, jenkins: OfflineJenkins, asks: str, missing: str
) -> None:
    await gitee.commit("team/shop", "master", {".chatops.yml": asks.replace("e2e", "team/e2e")}, by="lin")
    jenkins.add_job("team/e2e", parameters=("CHATOPS_RUN",))
    wrong = [one.found.en for one in await findings(settings) if one.state is State.WRONG]
    assert wrong == [f"team/e2e does not declare {missing}"]
