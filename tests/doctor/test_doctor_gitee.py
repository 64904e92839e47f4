"""The doctor's checks of Gitee, against the offline Gitee."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.doctor import gitee
from bot.doctor.findings import DoctorOptions, Finding, State
from bot.gitee.hooks import Hook
from bot.model.forge import RepoPath
from bot.settings.model import GiteeSettings, ReposSettings, Secret, ServerSettings, Settings
from playground.server import OfflineGitee

SHOP = RepoPath("team", "shop")


@pytest.fixture
async def forge(tmp_path: Path) -> AsyncIterator[OfflineGitee]:
    async with OfflineGitee(tmp_path / "gitee", changes={}) as opened:
        for login in ("lin", "chatops-bot", "guest"):
            opened.add_user(login)
        await opened.add_repository(
            str(SHOP),
            {"README.md": "# shop\n"},
            members={"lin": "admin", "chatops-bot": "admin", "guest": "read"},
            private=True,
        )
        yield opened


def settings(forge: OfflineGitee, token: str, *allow: str) -> Settings:
    return Settings(
        server=ServerSettings(public_url="https://bot.example.com"),
        gitee=GiteeSettings(url=forge.url, api_url=forge.api_url, token=Secret(token)),
        repos=ReposSettings(allow=allow),
    )


async def check(forge: OfflineGitee, token: str, *allow: str) -> list[Finding]:
    return list(await gitee.check(DoctorOptions(settings(forge, token, *allow))))


async def test_a_missing_token_is_reported_without_requests(forge: OfflineGitee) -> None:
    [found] = await check(forge, "")

    assert (found.state, found.found.en) == (State.WRONG, "no token is set")


async def test_a_refused_token_is_reported(forge: OfflineGitee) -> None:
    [found] = await check(forge, "nonsense")

    assert found.state is State.WRONG
    assert found.found.en.startswith("the token was refused: GET /user: 401")


async def test_a_missing_webhook_is_wrong_and_an_existing_one_passes(forge: OfflineGitee) -> None:
    token = forge.token("chatops-bot")
    known, seen, hook = await check(forge, token, "team/shop", "others/*", "!team/old")

    assert known.found.en.startswith("the bot is chatops-bot")
    assert (seen.state, hook.state) == (State.FINE, State.WRONG)

    forge.add_hook(str(SHOP), "https://bot.example.com/webhooks/gitee", "s3cret")

    assert [found.state for found in await check(forge, token, "team/shop")] == [State.FINE] * 3


async def test_a_missing_repository_is_reported(forge: OfflineGitee) -> None:
    token = forge.token("chatops-bot")
    options = DoctorOptions(settings(forge, token), (RepoPath("team", "none"),))

    found = list(await gitee.check(options))[1]

    assert (found.state, found.found.en) == (
        State.WRONG,
        "team/none: does not exist, or the bot cannot see it",
    )


async def test_webhooks_that_the_token_may_not_read_are_a_note(forge: OfflineGitee) -> None:
    _, seen, hook = await check(forge, forge.token("guest"), "team/shop")

    assert (seen.state, hook.state) == (State.FINE, State.NOTE)


OURS, OTHER = "https://bot.example.com/webhooks/gitee", "https://hooks.example.com/webhooks/gitee"


@pytest.mark.parametrize(
    ("hook", "state"),
    [
        (Hook(1, OURS, comments=True, pulls=True), State.FINE),
        (Hook(1, OURS, comments=True, pulls=True, last_status=200), State.FINE),
        (Hook(1, OURS, comments=True, pulls=True, last_status=401), State.NOTE),
        (Hook(1, OURS, comments=True, pulls=False), State.WRONG),
        (Hook(1, OURS, comments=False, pulls=True), State.WRONG),
        (Hook(1, OTHER, comments=True, pulls=True), State.WRONG),
        (Hook(1, OTHER, comments=True, pulls=True, last_status=421), State.WRONG),
        (Hook(1, OTHER, comments=True, pulls=True, last_status=200), State.FINE),
        (Hook(1, "http://10.0.0.5:8080/webhooks/gitee", comments=True, pulls=True), State.FINE),
    ],
)
def test_a_webhook_is_checked(hook: Hook, state: State) -> None:
    assert gitee.hook_finding(SHOP, [hook], ["bot.example.com"]).state is state


def test_a_name_that_the_bot_refuses_is_shown_with_the_setting() -> None:
    found = gitee.hook_finding(SHOP, [Hook(1, OTHER, comments=True, pulls=True)], ["bot.example.com"])

    assert found.advice is not None
    assert '[server] hosts = ["hooks.example.com"]' in found.advice.en
