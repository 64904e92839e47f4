"""Scripted faults, and the interfaces with which tests wait for and inspect changes."""

import asyncio

import pytest

from playground.refusals import ForgeRefusedError
from playground.server import OfflineGitee
from tests.playground.receiving import REPO, Api
from tests.real.parts import PATIENCE


async def test_a_fault_affects_a_number_of_requests_to_a_path(gitee: OfflineGitee, api: Api) -> None:
    fault = gitee.faults.add("GET", "/user$", times=2, status=502, body="<html>Bad Gateway</html>")
    answers = [await api("mei").get(path) for path in ("/user", f"/repos/{REPO}", "/user", "/user")]
    assert [answer.status_code for answer in answers] == [502, 200, 502, 200]
    assert answers[0].text == "<html>Bad Gateway</html>"
    assert fault.hits == 2


@pytest.mark.parametrize(
    ("seconds", "status", "retry_after"), [(None, 403, None), (7, 429, "7")], ids=["403", "429"]
)
async def test_both_forms_of_the_rate_limit(
    gitee: OfflineGitee, api: Api, seconds: int | None, status: int, retry_after: str | None
) -> None:
    gitee.faults.rate_limit(retry_after=seconds)
    answer = await api("mei").get("/user")
    assert (answer.status_code, answer.headers.get("Retry-After")) == (status, retry_after)
    assert "rate limit" in answer.json()["message"].lower() or status == 429
    assert (await api("mei").get("/user")).status_code == 200


async def test_a_hanging_request_blocks_no_other(gitee: OfflineGitee, api: Api) -> None:
    fault = gitee.faults.add("GET", "/user", hang=True)
    hanging = asyncio.create_task(api("mei").get("/user"))
    async with asyncio.timeout(PATIENCE):
        while not fault.hits:  # noqa: ASYNC110 - a request without an answer has no event
            await asyncio.sleep(0)
    assert (await api("mei").get("/user")).status_code == 200
    assert not hanging.done()
    hanging.cancel()
    with pytest.raises(asyncio.CancelledError):
        await hanging


async def test_an_answer_can_be_lost_after_the_request_took_effect(
    gitee: OfflineGitee, api: Api, pull: int
) -> None:
    gitee.faults.add("POST", "/comments$", after=True, status=504)
    answer = await api("mei").post(f"/repos/{REPO}/pulls/{pull}/comments", json={"body": "done"})
    assert answer.status_code == 504
    assert [one.body for one in gitee.comments(REPO, pull)] == ["done"]


async def test_a_request_can_take_effect_long_after_its_answer(
    gitee: OfflineGitee, api: Api, pull: int
) -> None:
    fault = gitee.faults.add("POST", "/comments$", late=True, status=504)
    answer = await api("mei").post(f"/repos/{REPO}/pulls/{pull}/comments", json={"body": "done"})
    assert answer.status_code == 504
    assert gitee.comments(REPO, pull) == []
    await fault.act()
    assert [one.body for one in gitee.comments(REPO, pull)] == ["done"]
    await fault.act()
    assert len(gitee.comments(REPO, pull)) == 1


async def test_faults_can_be_cleared(gitee: OfflineGitee, api: Api) -> None:
    gitee.faults.add("*", ".", times=100, status=500)
    gitee.faults.clear()
    assert (await api("mei").get("/user")).status_code == 200


async def test_waiting_ends_with_the_change(gitee: OfflineGitee, pull: int) -> None:
    waiting = asyncio.create_task(gitee.wait_for(lambda: gitee.comments(REPO, pull, by="lin")))
    await gitee.comment(REPO, pull, "no", by="mei")
    await gitee.comment(REPO, pull, "yes", by="lin")
    assert [one.body for one in await waiting] == ["yes"]


async def test_waiting_has_a_time_limit(gitee: OfflineGitee) -> None:
    with pytest.raises(TimeoutError):
        await gitee.wait_for(lambda: False, timeout=0.01)


async def test_the_python_methods_refuse_what_the_api_refuses(gitee: OfflineGitee, pull: int) -> None:
    with pytest.raises(ForgeRefusedError) as refusal:
        await gitee.merge(REPO, pull, by="stranger")
    assert refusal.value.status == 403
    with pytest.raises(ForgeRefusedError):
        await gitee.push(REPO, pull, {"a": "1"}, by="stranger")
    with pytest.raises(ForgeRefusedError):
        gitee.add_user("MEI")


@pytest.mark.parametrize("path", ["../out", "a/.git/config", "/abs", "a//b", "a\nb"])
async def test_paths_that_git_cannot_check_out_are_refused(gitee: OfflineGitee, pull: int, path: str) -> None:
    with pytest.raises(ForgeRefusedError):
        await gitee.push(REPO, pull, {path: "x"}, by="mei")


@pytest.mark.parametrize("branch", ["-x", "a..b", "a b", "", "x.lock"])
async def test_branch_names_that_git_refuses_are_refused(gitee: OfflineGitee, branch: str) -> None:
    with pytest.raises(ForgeRefusedError):
        await gitee.commit(REPO, branch, {"a": "1"}, by="mei")


async def test_two_pull_requests_at_once_get_two_numbers(gitee: OfflineGitee) -> None:
    opened = (gitee.open_pull(REPO, f"branch-{one}", files={"a": f"{one}"}, by="mei") for one in range(4))
    assert sorted(await asyncio.gather(*opened)) == [1, 2, 3, 4]
