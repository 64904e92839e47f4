"""The pages without a browser: content, forms, and who may submit them."""

import re
from collections.abc import AsyncIterator

import httpx
import pytest

from playground.demo_bases import offline
from playground.demo_repository import (
    SHOP_FILES,
    offered_changes,
    open_second_pull,
    ready_made_changes,
    seed_demo,
    shop_changes,
)
from playground.git_repositories import folder_files
from playground.pages.messages import MESSAGES
from playground.pages.site import STATIC
from playground.server import OfflineGitee
from tests.playground.receiving import REPO, Receiver
from tests.real.parts import PATIENCE

EVIL = "<script>alert('x')</script>"


@pytest.fixture
async def browser(gitee: OfflineGitee) -> AsyncIterator[httpx.AsyncClient]:
    """Provide a client that behaves like a browser on the pages."""
    headers = {"Origin": gitee.url, "Sec-Fetch-Site": "same-origin"}
    async with httpx.AsyncClient(
        base_url=gitee.url, headers=headers, trust_env=False, timeout=PATIENCE
    ) as client:
        yield client


async def test_every_page_exists_in_both_languages(
    gitee: OfflineGitee, browser: httpx.AsyncClient, receiver: Receiver, pull: int
) -> None:
    gitee.add_hook(REPO, receiver.url, "s")
    await gitee.comment(REPO, pull, "hi", by="mei")
    await gitee.delivered()
    at = f"/{REPO}/pulls"
    opened = gitee.pull(REPO, pull)
    commit = f"/{REPO}/commit/{opened.head_sha}"
    compare = f"/{REPO}/compare/{opened.base_sha}...{opened.head_sha}"
    assert (await browser.get(f"/{REPO}/compare/{opened.base_sha}...{'0' * 40}")).status_code == 404
    pages = [
        "/",
        at,
        commit,
        compare,
        f"{at}/new",
        f"{at}/{pull}",
        f"{at}/{pull}/commits",
        f"{at}/{pull}/files",
    ]
    for page in [*pages, "/-/deliveries", "/-/deliveries/1", "/-/people"]:
        for language, tag, word in (("zh", "zh-CN", "仓库"), ("en", "en", "Repositories")):
            answer = await browser.get(page, params={"lang": language})
            assert answer.status_code == 200, page
            assert f'<html lang="{tag}">' in answer.text
            assert word in answer.text


async def test_the_language_is_remembered(browser: httpx.AsyncClient) -> None:
    assert "仓库" in (await browser.get("/")).text
    await browser.get("/", params={"lang": "en"})
    assert "仓库" not in (await browser.get("/")).text


def test_templates_have_all_translations() -> None:
    templates = "".join(path.read_text() for path in (STATIC.parent / "templates").glob("*.j2"))
    asked = set(re.findall(r'say\("([a-z_]+)"\)', templates)) | set(
        re.findall(r"say\('([a-z_]+)'\)", templates)
    )
    assert asked
    assert asked <= MESSAGES.keys()


async def test_hostile_titles_branches_files_and_names_are_escaped(
    gitee: OfflineGitee, browser: httpx.AsyncClient
) -> None:
    gitee.add_user("eve", name=EVIL)
    gitee.set_permission(REPO, "eve", "write")
    number = await gitee.open_pull(
        REPO, "<b>x", files={f"{EVIL.replace('/', '')}.txt": EVIL}, by="eve", title=EVIL, body=EVIL
    )
    await gitee.comment(REPO, number, EVIL, by="eve")
    at = f"/{REPO}/pulls"
    for page in ("/", at, f"{at}/{number}", f"{at}/{number}/files", f"{at}/{number}/commits", "/-/people"):
        answer = await browser.get(page)
        assert "<script>alert" not in answer.text, page
        assert "script-src 'self'" in answer.headers["Content-Security-Policy"]
    avatar = await browser.get("/-/avatars/eve.svg")
    assert "<text" in avatar.text
    assert "<<" not in avatar.text


async def test_a_comment_is_written_as_the_chosen_user(
    gitee: OfflineGitee, browser: httpx.AsyncClient, pull: int
) -> None:
    answer = await browser.post(
        f"/{REPO}/pulls/{pull}/comments", data={"as": "stranger", "body": "line\r\ntwo"}
    )
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/{REPO}/pulls/{pull}")
    assert [(one.author.login, one.body) for one in gitee.comments(REPO, pull)] == [("stranger", "line\ntwo")]
    page = await browser.get(f"/{REPO}/pulls/{pull}")
    assert '<option value="stranger" selected>' in page.text


async def test_the_fix_is_the_next_suggested_push(browser: httpx.AsyncClient, pull: int) -> None:
    page = await browser.get(f"/{REPO}/pulls/{pull}")
    assert '<option value="fix" selected>' in page.text
    assert '<option value="feature">' in page.text


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
    ],
)
async def test_other_sites_cannot_post(
    gitee: OfflineGitee, browser: httpx.AsyncClient, pull: int, headers: dict[str, str]
) -> None:
    path = f"/{REPO}/pulls/{pull}/comments"
    answer = await browser.post(path, data={"as": "mei", "body": "x"}, headers=headers)
    assert answer.status_code == 403
    assert gitee.comments(REPO, pull) == []


async def test_requests_with_a_foreign_host_are_refused(gitee: OfflineGitee) -> None:
    """Otherwise a foreign page could read the tokens by DNS rebinding."""
    async with httpx.AsyncClient(base_url=gitee.url, trust_env=False, timeout=PATIENCE) as client:
        for host, status in (("evil.example:8000", 421), ("localhost:8000", 200), ("[::1]:80", 200)):
            answer = await client.get("/-/people", headers={"Host": host})
            assert answer.status_code == status
            assert (gitee.token("lin") in answer.text) == (status == 200)


async def test_files_at_a_revision_are_served_as_text(
    gitee: OfflineGitee, browser: httpx.AsyncClient
) -> None:
    await gitee.commit(REPO, "master", {"page.html": EVIL}, by="lin")
    answer = await browser.get(f"/{REPO}/blob/master/page.html")
    assert (answer.text, answer.headers["Content-Type"]) == (EVIL, "text/plain; charset=utf-8")


@pytest.mark.parametrize("path", ["/nowhere", f"/{REPO}/commit/none", f"/{REPO}/pulls/9", "/no/repo/pulls"])
async def test_missing_objects_are_reported(browser: httpx.AsyncClient, path: str) -> None:
    answer = await browser.get(path)
    assert answer.status_code == 404
    assert "操作被拒绝" in answer.text


async def test_a_pull_request_from_a_ready_made_change(
    gitee: OfflineGitee, browser: httpx.AsyncClient
) -> None:
    form = {"as": "stranger", "change": "feature", "branch": "topic", "title": "T", "fork": "1"}
    answer = await browser.post(f"/{REPO}/pulls/new", data=form)
    assert answer.headers["Location"] == f"/{REPO}/pulls/1"
    pull = gitee.pull(REPO, 1)
    assert (pull.author.login, pull.from_fork, pull.facts.additions) == ("stranger", True, 1)


async def test_a_pull_request_from_a_pushed_branch(gitee: OfflineGitee, browser: httpx.AsyncClient) -> None:
    await gitee.commit(REPO, "topic", {"a": "1"}, by="mei")
    form = {"as": "mei", "change": "", "branch": "topic", "title": "T", "base": "master"}
    assert (await browser.post(f"/{REPO}/pulls/new", data=form)).status_code == 303
    assert gitee.pull(REPO, 1).title == "T"


async def test_an_edited_file_and_a_ready_made_change_are_pushed(
    browser: httpx.AsyncClient, pull: int
) -> None:
    at = f"/{REPO}/pulls/{pull}"
    shown = await browser.get(f"{at}/file", params={"path": "src/app.py"})
    assert shown.text == "print('hello')\n"
    edited = {"as": "mei", "change": "", "path": "src/app.py", "content": "print('bye')\r\n"}
    await browser.post(f"{at}/push", data=edited)
    assert (await browser.get(f"{at}/file", params={"path": "src/app.py"})).text == "print('bye')\n"
    await browser.post(f"{at}/push", data={"as": "mei", "change": "feature"})
    assert (await browser.get(f"{at}/file", params={"path": "new.txt"})).text == "new\n"
    assert "+print('bye')" in (await browser.get(f"{at}.diff")).text


async def test_closing_posts_the_text_in_the_comment_box(
    gitee: OfflineGitee, browser: httpx.AsyncClient, pull: int
) -> None:
    at = f"/{REPO}/pulls/{pull}"
    await browser.post(f"{at}/close", data={"as": "mei", "body": "later"})
    assert gitee.pull(REPO, pull).state == "closed"
    assert [one.body for one in gitee.comments(REPO, pull)] == ["later"]
    await browser.post(f"{at}/reopen", data={"as": "mei", "body": ""})
    await browser.post(f"{at}/merge", data={"as": "lin", "body": ""})
    assert gitee.pull(REPO, pull).state == "merged"


async def test_a_refusal_has_a_message(browser: httpx.AsyncClient, pull: int) -> None:
    path, form = f"/{REPO}/pulls/{pull}/merge", {"as": "stranger"}
    page = await browser.post(path, data=form)
    assert page.status_code == 403
    assert "操作被拒绝" in page.text
    response = await browser.post(path, data=form, headers={"Accept": "application/json"})
    assert response.json() == {"message": "403 Forbidden"}


async def test_comments_are_edited_and_deleted(
    gitee: OfflineGitee, browser: httpx.AsyncClient, pull: int
) -> None:
    note = await gitee.comment(REPO, pull, "one", by="mei")
    at = f"/{REPO}/pulls/{pull}/comments/{note}"
    await browser.post(f"{at}/edit", data={"as": "mei", "body": "two"})
    assert gitee.comments(REPO, pull)[0].body == "two"
    assert "已编辑" in (await browser.get(f"/{REPO}/pulls/{pull}")).text
    await browser.post(f"{at}/delete", data={"as": "mei"})
    assert gitee.comments(REPO, pull) == []


async def test_permissions_are_set(gitee: OfflineGitee, browser: httpx.AsyncClient) -> None:
    path = f"/{REPO}/members"
    await browser.post(path, data={"login": "stranger", "permission": "write"})
    assert gitee.repository(REPO).members["stranger"] == "write"
    await browser.post(path, data={"login": "stranger", "permission": ""})
    assert "stranger" not in gitee.repository(REPO).members
    assert (await browser.post(path, data={"login": "mei", "permission": "god"})).status_code == 400


async def test_a_delivery_is_sent_again(
    gitee: OfflineGitee, browser: httpx.AsyncClient, receiver: Receiver, pull: int
) -> None:
    hook = gitee.add_hook(REPO, receiver.url, "s")
    await gitee.comment(REPO, pull, "hi", by="mei")
    await gitee.delivered()
    again = await browser.post(f"/-/deliveries/{gitee.deliveries[0].id}/redeliver")
    ping = await browser.post(f"/-/hooks/{hook.id}/ping")
    await gitee.delivered()
    assert (again.status_code, ping.status_code, len(receiver.requests)) == (303, 303, 3)


async def test_changes_are_streamed(gitee: OfflineGitee, browser: httpx.AsyncClient, pull: int) -> None:
    async with browser.stream("GET", "/-/changes") as stream:
        lines = stream.aiter_lines()
        first = await anext(lines)
        await anext(lines)
        await gitee.comment(REPO, pull, "hi", by="mei")
        second = await anext(lines)
    assert int(second.removeprefix("data: ")) > int(first.removeprefix("data: "))


async def test_the_shop_has_a_pull_request_and_changes_of_its_own(gitee: OfflineGitee) -> None:
    for login in ("lin", "mei", "stranger", "chatops-bot"):
        gitee.forge.world.users.pop(login)
    demo = await seed_demo(gitee)
    number = await open_second_pull(gitee, demo)

    assert gitee.pull(demo.shop, number).facts.mergeable
    before = offline(folder_files(SHOP_FILES))
    for name, files in shop_changes().items():
        assert all(content != before[path] for path, content in files.items()), name
    assert offered_changes().keys() == {demo.full_name, demo.shop}


async def test_a_repository_offers_only_its_own_changes(
    gitee: OfflineGitee, pull: int, browser: httpx.AsyncClient
) -> None:
    await gitee.add_repository("team/other", {"README.md": "other\n"}, members={"lin": "admin"})
    await gitee.open_pull("team/other", "more", files={"README.md": "more\n"}, by="lin")

    assert 'value="fix"' in (await browser.get(f"/{REPO}/pulls/{pull}")).text
    assert 'value="fix"' not in (await browser.get("/team/other/pulls/1")).text


async def test_the_demo_is_seeded(gitee: OfflineGitee) -> None:
    for login in ("lin", "mei", "stranger", "chatops-bot"):
        gitee.forge.world.users.pop(login)
    demo = await seed_demo(gitee)
    permissions = {
        login: gitee.repository(demo.full_name).members.get(login) for login in ("lin", "mei", "stranger")
    }
    assert permissions == {"lin": "admin", "mei": "write", "stranger": None}
    assert gitee.token("chatops-bot") == demo.bot_token
    changes = ready_made_changes()
    assert changes.keys() == {"feature", "fix", "broken"}
    number = await gitee.open_pull(demo.full_name, "feature", files=changes["feature"], by=demo.developer)
    await gitee.push(demo.full_name, number, changes["fix"], by=demo.developer)
    assert gitee.pull(demo.full_name, number).facts.mergeable
    assert b"COPY gusetbook" in changes["broken"]["Dockerfile"]
