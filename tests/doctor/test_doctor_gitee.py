"""The doctor's checks of Gitee, against the offline Gitee."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.doctor import gitee
from bot.doctor.findings import DoctorOptions, Finding, State
from bot.gitee import rights
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
    known, scopes, seen, hook, others = await check(forge, token, "team/shop", "others/*", "!team/old")

    assert known.found.en.startswith("the bot is chatops-bot")
    assert "does not report the scopes" in scopes.found.en
    assert (seen.state, hook.state, others.state) == (State.FINE, State.WRONG, State.NOTE)
    assert others.found.en == "others/*: the account has access to no such repository"

    forge.add_hook(str(SHOP), "https://bot.example.com/webhooks/gitee", "s3cret")

    assert [found.state for found in await check(forge, token, "team/shop")] == [State.FINE] * 4


async def test_a_missing_repository_is_reported(forge: OfflineGitee) -> None:
    token = forge.token("chatops-bot")
    options = DoctorOptions(settings(forge, token), (RepoPath("team", "none"),))

    found = list(await gitee.check(options))[2]

    assert (found.state, found.found.en) == (
        State.WRONG,
        "team/none: does not exist, or the bot cannot see it",
    )


async def test_webhooks_that_the_token_may_not_read_are_a_note(forge: OfflineGitee) -> None:
    forge.set_permission(str(SHOP), "guest", "write")
    *_, seen, hook = await check(forge, forge.token("guest"), "team/shop")

    assert (seen.state, hook.state) == (State.FINE, State.NOTE)


async def test_an_account_that_may_only_read_is_a_note(forge: OfflineGitee) -> None:
    *_, level, _ = await check(forge, forge.token("guest"), "team/shop")

    assert (level.state, "may only read" in level.found.en) == (State.NOTE, True)


async def test_the_level_is_shown_and_what_could_not_be_tried(forge: OfflineGitee) -> None:
    *_, seen, _ = await check(forge, forge.token("chatops-bot"), "team/shop")
    assert seen.found.en.startswith("team/shop: the token can read it as administrator; there is no pull")

    await forge.open_pull(str(SHOP), "cart", files={"a": "b"}, by="lin", title="A cart")
    *_, seen, _ = await check(forge, forge.token("chatops-bot"), "team/shop")
    assert seen.found.zh == "team/shop：令牌可以读取，级别为管理员"


@pytest.mark.parametrize(
    ("path", "lost", "scope"),
    [
        ("/repos/team/shop$", "nothing runs", "scope projects"),
        ("/pulls$", "no event and no command is handled", "scope pull_requests"),
        ("/pulls/1/comments$", "cannot read comments, so no command", "scope notes"),
        ("/permission$", "cannot read the permissions of people", "scope projects"),
    ],
)
async def test_what_is_off_for_want_of_a_right(forge: OfflineGitee, path: str, lost: str, scope: str) -> None:
    await forge.open_pull(str(SHOP), "cart", files={"a": "b"}, by="lin", title="A cart")
    forge.faults.add("GET", path, status=403, body={"message": "403 Forbidden"})
    *_, problem, _ = await check(forge, forge.token("chatops-bot"), "team/shop")

    assert problem.state is State.WRONG
    assert lost in problem.found.en
    assert problem.advice is not None
    assert scope in problem.advice.en


async def test_repositories_that_a_pattern_matches_are_checked(forge: OfflineGitee) -> None:
    for name, given in (("cart", "write"), ("site", "admin"), ("old", "admin"), ("plan", "read")):
        members = {"lin": "admin", "chatops-bot": given}
        await forge.add_repository(f"team/{name}", {"a": "b"}, members=members, private=True)  # type: ignore[arg-type] # levels
    allow = ("team/*", "team/shop", "!team/old", "none/*")
    *_, level, good, none = await check(forge, forge.token("chatops-bot"), *allow)

    assert level.found.en.startswith("team/plan: the account may only read")
    assert good.found.en == (
        "repositories matched by a pattern: the token can read 2 (1 as administrator, 1 as developer)"
    )
    assert none.found.en == "none/*: the account has access to no such repository"


async def test_what_is_not_looked_at_is_said(forge: OfflineGitee, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("cart", "site"):
        await forge.add_repository(f"team/{name}", {"a": "b"}, members={"chatops-bot": "write"}, private=True)
    monkeypatch.setattr(gitee, "MOST_REPOSITORIES", 1)
    monkeypatch.setattr(gitee, "MOST_PAGES", 1)
    monkeypatch.setattr(rights, "PAGE", 2)
    *_, good, more, cut = await check(forge, forge.token("chatops-bot"), "team/*", "none/*")

    assert "the token can read 1 (1 as developer)" in good.found.en
    assert more.found.en == "repositories matched by a pattern: 1 more were not checked"
    assert cut.state is State.NOTE


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
