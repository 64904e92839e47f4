"""Rules of the API: permissions, paging, sizes, merging, and peculiarities of Gitee."""

import base64
from datetime import UTC, timedelta
from typing import Any
from unittest.mock import patch

import httpx
import pytest

from playground import state
from playground.refusals import ForgeRefusedError
from playground.server import OfflineGitee
from tests.playground.receiving import REPO, Api

AT = f"/repos/{REPO}"


@pytest.mark.parametrize(
    "credentials",
    [
        lambda token: {"headers": {"Authorization": f"Bearer {token}"}},
        lambda token: {"headers": {"Authorization": f"token {token}"}},
        lambda token: {"headers": {"PRIVATE-TOKEN": token}},
        lambda token: {"params": {"access_token": token}},
    ],
    ids=["bearer", "token", "private-token", "query"],
)
async def test_a_token_is_accepted_in_every_place(gitee: OfflineGitee, api: Api, credentials: Any) -> None:
    answer = await api(None).get("/user", **credentials(gitee.token("mei")))
    assert answer.json()["login"] == "mei"


@pytest.mark.parametrize("kind", ["json", "data"])
async def test_a_token_is_accepted_in_the_body(gitee: OfflineGitee, api: Api, pull: int, kind: str) -> None:
    body = {"access_token": gitee.token("mei"), "body": "hi"}
    sent: dict[str, Any] = {kind: body}
    answer = await api(None).post(f"{AT}/pulls/{pull}/comments", **sent)
    assert (answer.status_code, answer.json()["user"]["login"]) == (201, "mei")


async def test_an_unknown_token_is_refused_even_where_none_is_needed(api: Api) -> None:
    answer = await api(None).get(AT, headers={"Authorization": "Bearer nonsense"})
    assert answer.status_code == 401
    assert answer.json() == {"message": "401 Unauthorized: Access token does not exist"}


async def test_pull_requests_are_listed_since_a_change_time(gitee: OfflineGitee, api: Api, pull: int) -> None:
    changed = gitee.pull(REPO, pull).updated_at.astimezone(UTC)

    async def listed(since: str) -> Any:
        return await api("lin").get(f"{AT}/pulls", params={"state": "all", "since": since})

    assert [one["number"] for one in (await listed(changed.isoformat())).json()] == [pull]
    assert (await listed((changed + timedelta(seconds=1)).strftime("%Y-%m-%dT%H:%M:%SZ"))).json() == []
    assert (await listed("soon")).status_code == 400


async def test_a_protected_branch_is_for_administrators(gitee: OfflineGitee, api: Api) -> None:
    gitee.protect(REPO, "master")
    assert (await api("mei").get(f"{AT}/branches/master")).json()["protected"] is True
    with pytest.raises(ForgeRefusedError):
        await gitee.commit(REPO, "master", {"a": "1"}, by="mei")
    await gitee.commit(REPO, "master", {"a": "1"}, by="lin")
    await gitee.commit(REPO, "other", {"a": "1"}, by="mei")
    assert (await api("mei").get(f"{AT}/branches/other")).json()["protected"] is False


async def test_a_pull_request_can_target_another_branch(gitee: OfflineGitee, api: Api, pull: int) -> None:
    await gitee.commit(REPO, "release", {"a": "1"}, by="lin")
    await gitee.retarget(REPO, pull, "release", by="mei")
    assert (await api("mei").get(f"{AT}/pulls/{pull}")).json()["base"]["ref"] == "release"
    with pytest.raises(ForgeRefusedError):
        await gitee.retarget(REPO, pull, "nowhere", by="mei")
    with pytest.raises(ForgeRefusedError):
        await gitee.retarget(REPO, pull, "master", by="stranger")


@pytest.mark.parametrize(
    ("login", "method", "path", "status"),
    [
        (None, "GET", "/user", 401),
        (None, "GET", AT, 200),
        (None, "POST", f"{AT}/pulls/1/comments", 401),
        ("stranger", "POST", f"{AT}/pulls/1/comments", 201),
        ("stranger", "POST", f"{AT}/pulls/1/labels", 403),
        ("stranger", "PUT", f"{AT}/pulls/1/merge", 403),
        ("stranger", "PATCH", f"{AT}/pulls/1", 403),
        ("mei", "GET", f"{AT}/hooks", 403),
        ("mei", "POST", f"{AT}/check-runs", 403),
        ("lin", "GET", f"{AT}/hooks", 200),
        ("lin", "GET", f"{AT}/pulls/99", 404),
        ("lin", "GET", "/no/such/route", 404),
    ],
)
@pytest.mark.usefixtures("pull")
async def test_each_action_requires_its_permission(
    api: Api, login: str | None, method: str, path: str, status: int
) -> None:
    body: Any = ["needs-work"] if path.endswith("labels") else {"body": "x", "title": "y"}
    answer = await api(login).request(method, path, json=None if method == "GET" else body)
    assert answer.status_code == status
    assert "message" in answer.json() or status < 400


async def test_a_private_repository_does_not_exist_for_others(gitee: OfflineGitee, api: Api) -> None:
    await gitee.add_repository("team/secret", {"a": "1"}, private=True, members={"mei": "read"})
    seen = {login: (await api(login).get("/repos/team/secret")) for login in ("mei", "stranger", None)}
    assert [answer.status_code for answer in seen.values()] == [200, 404, 404]
    assert seen["stranger"].json()["message"] == "404 Project Not Found"


async def test_permissions_of_members_and_strangers(gitee: OfflineGitee, api: Api) -> None:
    async def permission(login: str) -> str | None:
        answer = await api("chatops-bot").get(f"{AT}/collaborators/{login}/permission")
        return answer.json()["permission"] if answer.status_code == 200 else None

    assert [await permission(login) for login in ("lin", "MEI", "stranger")] == ["admin", "write", None]
    gitee.set_permission(REPO, "mei", "read")
    assert await permission("mei") == "read"
    gitee.set_permission(REPO, "mei", None)
    assert await permission("mei") is None
    member = await api("lin").put(f"{AT}/collaborators/stranger", json={"permission": "push"})
    assert member.json()["permissions"] == {"pull": True, "push": True, "admin": False}
    assert (await api("lin").get(f"{AT}/collaborators/stranger")).status_code == 204


async def test_comments_are_paged(gitee: OfflineGitee, api: Api, pull: int) -> None:
    for number in range(45):
        await gitee.comment(REPO, pull, f"{number}", by="mei")
    client, path = api("lin"), f"{AT}/pulls/{pull}/comments"
    first = await client.get(path)
    last = await client.get(path, params={"page": 3})
    newest = await client.get(path, params={"per_page": 500, "direction": "desc"})
    assert (len(first.json()), len(last.json()), len(newest.json())) == (20, 5, 45)
    assert (first.headers["total_count"], first.headers["total_page"]) == ("45", "3")
    assert newest.json()[0]["body"] == "44"
    assert "rel='next'" in first.headers["Link"]
    assert "rel='next'" not in last.headers["Link"]


async def test_a_comment_is_posted_edited_and_deleted(gitee: OfflineGitee, api: Api, pull: int) -> None:
    bot = api("chatops-bot")
    made = await bot.post(f"{AT}/pulls/{pull}/comments", json={"body": "one"})
    path = f"{AT}/pulls/comments/{made.json()['id']}"
    await bot.patch(path, json={"body": "two"})
    assert (await bot.get(path)).json()["body"] == "two"
    assert [one.body for one in gitee.comments(REPO, pull)[0].history] == ["one", "two"]
    assert (await api("mei").patch(path, json={"body": "mine"})).status_code == 403
    assert (await bot.delete(path)).status_code == 204
    assert (await bot.get(path)).status_code == 404
    assert gitee.comments(REPO, pull) == []


async def test_line_comments_are_distinguishable(gitee: OfflineGitee, api: Api, pull: int) -> None:
    path = f"{AT}/pulls/{pull}/comments"
    await api("mei").post(path, json={"body": "here", "path": "src/app.py", "position": 1})
    await gitee.comment(REPO, pull, "there", by="mei")
    lines = await api("mei").get(path, params={"comment_type": "diff_comment"})
    plain = await api("mei").get(path, params={"comment_type": "pr_comment"})
    assert [one["body"] for one in lines.json() + plain.json()] == ["here", "there"]


@pytest.mark.parametrize(
    ("body", "status"), [("", 400), (" \n", 400), ("字" * 65_535, 201), ("字" * 65_536, 422)]
)
async def test_comments_have_a_size_limit(api: Api, pull: int, body: str, status: int) -> None:
    answer = await api("mei").post(f"{AT}/pulls/{pull}/comments", json={"body": body})
    assert answer.status_code == status


async def test_labels_are_bare_arrays_and_slashes_are_escaped(
    gitee: OfflineGitee, api: Api, pull: int
) -> None:
    path = f"{AT}/pulls/{pull}/labels"
    assert (await api("mei").post(path, json={"labels": ["aa"]})).status_code == 400
    assert (await api("mei").post(path, json=["kind/bug", "lgtm"])).status_code == 201
    assert (await api("mei").delete(f"{path}/kind%2Fbug")).status_code == 204
    assert [label.name for label in gitee.pull(REPO, pull).labels] == ["lgtm"]
    assert [one["name"] for one in (await api("mei").put(path, json=["wip"])).json()] == ["wip"]
    assert (await api("mei").post(path, json=["x"])).status_code == 422


async def test_pull_requests_are_filtered(gitee: OfflineGitee, api: Api, pull: int) -> None:
    other = await gitee.open_pull(REPO, "other", files={"z": "1"}, by="stranger", from_fork=True)
    await gitee.close(REPO, other, by="stranger")

    async def numbers(**parameters: str) -> list[int]:
        return [one["number"] for one in (await api("lin").get(f"{AT}/pulls", params=parameters)).json()]

    assert await numbers() == [pull]
    assert await numbers(state="closed") == [other]
    assert await numbers(state="all") == [other, pull]
    assert await numbers(state="all", direction="asc") == [pull, other]
    assert await numbers(state="all", author="stranger") == [other]
    assert await numbers(state="all", head="feature") == [pull]
    assert await numbers(state="all", page="2", per_page="1") == [pull]


async def test_a_pull_request_is_opened_edited_closed_and_reopened(gitee: OfflineGitee, api: Api) -> None:
    await gitee.commit(REPO, "topic", {"a": "1"}, by="mei")
    client = api("mei")
    made = await client.post(
        f"{AT}/pulls", json={"title": "T", "head": "topic", "base": "master", "draft": True}
    )
    assert (made.status_code, made.json()["draft"], made.json()["state"]) == (201, True, "open")
    again = await client.post(f"{AT}/pulls", json={"title": "T", "head": "topic", "base": "master"})
    assert again.status_code == 400
    path = f"{AT}/pulls/{made.json()['number']}"
    edited = await client.patch(path, json={"title": "U", "draft": False, "labels": "aa,bb"})
    assert (edited.json()["title"], edited.json()["draft"]) == ("U", False)
    assert [label["name"] for label in edited.json()["labels"]] == ["aa", "bb"]
    assert (await client.patch(path, json={"state": "closed"})).json()["state"] == "closed"
    assert (await client.patch(path, json={"state": "open"})).json()["state"] == "open"
    assert (await client.patch(path, json={"state": "odd"})).status_code == 400


async def test_a_fork_is_named_in_head(gitee: OfflineGitee, api: Api) -> None:
    fork = await gitee.fork(REPO, by="stranger")
    await gitee.commit(fork, "topic", {"a": "1"}, by="stranger")
    made = await api("stranger").post(f"{AT}/pulls", json={"title": "T", "head": "stranger:topic"})
    assert made.json()["head"]["repo"]["full_name"] == "stranger/shop"
    assert made.json()["base"]["repo"]["full_name"] == REPO
    gitee.delete_fork(fork)
    gone = await api("lin").get(f"{AT}/pulls/{made.json()['number']}")
    assert gone.json()["head"]["repo"] is None


async def test_merging_waits_for_review_and_test(gitee: OfflineGitee, api: Api) -> None:
    gitee.repository(REPO).reviewers.append(gitee.forge.user("lin"))
    gitee.repository(REPO).testers.append(gitee.forge.user("chatops-bot"))
    number = await gitee.open_pull(REPO, "topic", files={"a": "1"}, by="mei")
    path = f"{AT}/pulls/{number}"

    async def merge() -> httpx.Response:
        return await api("mei").put(f"{path}/merge", json={})

    refused = await merge()
    assert (refused.status_code, refused.json()["message"]) == (405, "此 Pull Request 未通过设置的审查")
    assert (await api("mei").post(f"{path}/review", json={})).status_code == 403
    assert (await api("lin").post(f"{path}/review", json={})).status_code == 204
    assert (await merge()).json()["message"] == "此 Pull Request 未通过设置的测试"
    assert (await api("chatops-bot").post(f"{path}/test", json={})).status_code == 204
    assert (await api("mei").get(f"{path}/merge")).status_code == 404
    assert (await merge()).status_code == 200
    assert (await api("mei").get(f"{path}/merge")).status_code == 204


async def test_new_commits_reset_the_review_and_an_admin_may_force_the_merge(
    gitee: OfflineGitee, api: Api
) -> None:
    gitee.repository(REPO).reviewers.append(gitee.forge.user("mei"))
    number = await gitee.open_pull(REPO, "topic", files={"a": "1"}, by="mei")
    path = f"{AT}/pulls/{number}"
    await api("mei").post(f"{path}/review", json={})
    await gitee.push(REPO, number, {"a": "2"}, by="mei")
    assert (await api("mei").put(f"{path}/merge", json={})).status_code == 405
    assert (await api("lin").post(f"{path}/review", json={"force": True})).status_code == 204
    assert (await api("mei").put(f"{path}/merge", json={})).status_code == 200


async def test_contents_behave_as_gitees(api: Api) -> None:
    client = api(None)
    file = (await client.get(f"{AT}/contents/src/app.py")).json()
    assert base64.b64decode(file["content"]) == b"print('hi')\n"
    folder = (await client.get(f"{AT}/contents/src")).json()
    assert [one["path"] for one in folder] == ["src/app.py"]
    missing = await client.get(f"{AT}/contents/nothing.yml", params={"ref": "master"})
    assert (missing.status_code, missing.json()) == (200, [])
    assert (await client.get(f"{AT}/contents/README.md", params={"ref": "none"})).json() == []
    assert (await client.get(f"{AT}/raw/README.md")).content == b"# shop\n"
    assert (await client.get(f"{AT}/raw/nothing")).status_code == 404


async def test_files_of_a_pull_request(api: Api, pull: int) -> None:
    files = (await api(None).get(f"{AT}/pulls/{pull}/files")).json()
    changes = {one["filename"]: (one["status"], one["additions"], one["deletions"]) for one in files}
    assert changes == {
        "READ.md": ("renamed", "0", "0"),
        "docs/中文 name.md": ("added", "1", "0"),
        "run.sh": ("deleted", "0", "2"),
        "src/app.py": (None, "1", "1"),
    }
    patches = {one["filename"]: one["patch"] for one in files}
    assert patches["src/app.py"]["diff"] == "@@ -1 +1 @@\n-print('hi')\n+print('hello')\n"
    assert patches["READ.md"]["old_path"] == "README.md"


async def test_check_runs(gitee: OfflineGitee, api: Api, pull: int) -> None:
    sha, pull_id = gitee.pull(REPO, pull).head_sha, gitee.pull(REPO, pull).id
    bot, path = api("chatops-bot"), f"{AT}/check-runs"
    body = {"name": "build", "head_sha": sha, "pull_request_id": pull_id, "status": "in_progress"}
    run = (await bot.post(path, json=body)).json()
    done = {"conclusion": "success", "output": {"title": "ok", "summary": "fine"}}
    assert (await bot.patch(f"{path}/{run['id']}", json=done)).json()["status"] == "completed"
    assert (await bot.patch(f"{path}/{run['id']}", json={"conclusion": "failure"})).status_code == 400
    unbound = await bot.get(f"{AT}/commits/{sha}/check-runs")
    bound = await bot.get(f"{AT}/commits/{sha}/check-runs", params={"pull_request_id": pull_id})
    assert (unbound.json()["total_count"], bound.json()["total_count"]) == (0, 1)
    assert bound.json()["check_runs"][0]["output"]["title"] == "ok"
    assert (await bot.post(path, json={**body, "head_sha": "0" * 40})).status_code == 404


async def test_hooks_are_created_changed_and_removed(gitee: OfflineGitee, api: Api) -> None:
    client = api("lin")
    body = {"url": "http://bot.example/hook", "encryption_type": 1, "password": "pw", "note_events": True}
    made = await client.post(f"{AT}/hooks", json=body)
    assert (made.status_code, made.json()["push_events"], made.json()["password"]) == (201, True, "pw")
    assert gitee.repository(REPO).hooks[0].mode == "sign"
    path = f"{AT}/hooks/{made.json()['id']}"
    assert (await client.patch(path, json={"push_events": False})).status_code == 422
    changed = await client.patch(path, json={"url": body["url"], "push_events": False})
    assert (changed.json()["push_events"], changed.json()["note_events"]) == (False, True)
    assert (await client.delete(path)).status_code == 204
    assert (await client.get(path)).status_code == 404


async def test_ids_of_different_kinds_do_not_overlap(gitee: OfflineGitee, pull: int) -> None:
    note = await gitee.comment(REPO, pull, "hi", by="mei")
    ids = {gitee.pull(REPO, pull).id, note, gitee.repository(REPO).id, gitee.forge.user("mei").id, pull}
    assert len(ids) == 5


async def test_times_are_in_chinas_time_zone(api: Api, pull: int) -> None:
    assert (await api(None).get(f"{AT}/pulls/{pull}")).json()["created_at"].endswith("+08:00")


async def test_every_answer_contains_the_rate_limit(api: Api) -> None:
    first, second = [await api("mei").get("/user") for _ in range(2)]
    left = [int(answer.headers["X-RateLimit-Remaining"]) for answer in (first, second)]
    assert left[1] == left[0] - 1
    assert first.headers["X-Request-Id"] != second.headers["X-Request-Id"]


@pytest.mark.parametrize(
    "path", ["contents/a%00b", "contents/README.md?ref=%00", "commits/--all", "branches/-x"]
)
async def test_hostile_names_break_nothing(api: Api, path: str) -> None:
    answer = await api(None).get(f"{AT}/{path}")
    assert answer.status_code in {200, 400, 404}
    assert answer.json() == [] or "message" in answer.json()


async def test_broken_json_is_refused(api: Api, pull: int) -> None:
    answer = await api("mei").post(
        f"{AT}/pulls/{pull}/comments", content="{", headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == 400


async def test_markdown_and_emojis(api: Api) -> None:
    answer = await api(None).post("/markdown", json={"text": "**x** @mei"})
    assert answer.status_code == 201
    assert "<strong>x</strong>" in answer.text
    assert (await api(None).get("/emojis")).json()["x"] == "❌"


async def test_a_comment_never_sets_the_time_of_a_change_back(gitee: OfflineGitee, pull: int) -> None:
    later = gitee.pull(REPO, pull).updated_at + timedelta(hours=1)
    with patch.object(state, "now", lambda: later):
        await gitee.edit_pull(REPO, pull, title="Another title", by="mei")

    await gitee.comment(REPO, pull, "hi", by="mei")

    assert gitee.pull(REPO, pull).updated_at == later
