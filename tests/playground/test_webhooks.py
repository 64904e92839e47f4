"""Webhooks: which deliveries are sent, their headers, bodies and signatures, and failures."""

import json
from pathlib import Path
from typing import Any

import pytest

from playground import webhooks
from playground.payloads import signature
from playground.server import OfflineGitee
from tests.playground.receiving import REPO, Api, Receiver, signed
from tests.real.ports import free_port

SAMPLES = Path(__file__).parent.parent / "samples" / "gitee"
SECRET = "s3cret"


def missing_keys(sample: Any, ours: Any, where: str = "") -> list[str]:
    """List keys of a captured body that ours lacks or has with another type."""
    if isinstance(sample, dict) and isinstance(ours, dict):
        found = [f"{where}.{key} missing" for key in sample.keys() - ours.keys()]
        inner = [
            missing_keys(sample[key], ours[key], f"{where}.{key}") for key in sample.keys() & ours.keys()
        ]
        return found + [one for some in inner for one in some]
    if isinstance(sample, list) and isinstance(ours, list):
        return missing_keys(sample[0], ours[0], f"{where}[]") if sample and ours else []
    if sample is None or ours is None or type(sample) is type(ours):
        return []
    return [f"{where}: {type(sample).__name__} became {type(ours).__name__}"]


def captured(name: str) -> dict[str, Any]:
    body: dict[str, Any] = json.loads((SAMPLES / "payloads" / f"{name}.json").read_text())
    return body


async def test_opening_sends_three_webhooks(gitee: OfflineGitee, receiver: Receiver) -> None:
    gitee.add_hook(REPO, receiver.url, SECRET)
    await gitee.open_pull(REPO, "feature", files={"a": "1"}, by="mei")
    await gitee.delivered()
    assert receiver.actions() == [("open", "open"), ("open", "test"), ("open", "assign")]


async def test_each_change_sends_the_webhooks_of_gitee(
    gitee: OfflineGitee, receiver: Receiver, pull: int
) -> None:
    gitee.add_hook(REPO, receiver.url, SECRET)
    await gitee.push(REPO, pull, {"b": "2"}, by="mei")
    await gitee.label(REPO, pull, ["needs-work"], by="lin")
    await gitee.close(REPO, pull, by="mei")
    await gitee.reopen(REPO, pull, by="mei")
    await gitee.merge(REPO, pull, by="lin")
    await gitee.delivered()
    assert receiver.actions() == [
        ("update", "source_branch_changed"),
        ("update", "update_label"),
        ("close", "close"),
        ("reopen", "reopen"),
        ("merge", "merge"),
    ]
    states = [one.body["pull_request"]["state"] for one in receiver.requests]
    assert states == ["open", "open", "closed", "open", "merged"]


async def test_comments_edits_and_deletions_send_webhooks_also_for_the_bot(
    gitee: OfflineGitee, receiver: Receiver, pull: int
) -> None:
    gitee.add_hook(REPO, receiver.url, SECRET)
    note = await gitee.comment(REPO, pull, "one", by="chatops-bot")
    await gitee.edit_comment(REPO, note, "two", by="chatops-bot")
    await gitee.delete_comment(REPO, note, by="chatops-bot")
    await gitee.delivered()
    notes = [(one.body["action"], one.body["note"], one.body["sender"]["login"]) for one in receiver.requests]
    assert notes == [
        ("comment", "one", "chatops-bot"),
        ("edited", "two", "chatops-bot"),
        ("deleted", "two", "chatops-bot"),
    ]


@pytest.mark.parametrize("name", ["go-scm__pr_open", "go-scm__pr_update", "devops-scm__pull_request_webhook"])
async def test_merge_request_bodies_have_the_fields_of_captured_ones(
    gitee: OfflineGitee, receiver: Receiver, name: str
) -> None:
    gitee.repository(REPO).reviewers.append(gitee.forge.user("lin"))
    gitee.repository(REPO).testers.append(gitee.forge.user("lin"))
    gitee.add_hook(REPO, receiver.url, SECRET)
    await gitee.open_pull(REPO, "feature", files={"a": "1"}, by="mei", from_fork=True)
    await gitee.delivered()
    assert missing_keys(captured(name), receiver.requests[0].body) == []


async def test_note_bodies_have_the_fields_of_captured_ones(
    gitee: OfflineGitee, receiver: Receiver, pull: int
) -> None:
    gitee.add_hook(REPO, receiver.url, SECRET)
    await gitee.comment(REPO, pull, "/build", by="mei")
    await gitee.delivered()
    body = receiver.requests[0].body
    assert missing_keys(captured("go-scm__note_hook_pr_comment"), body) == []
    assert body["per_iid"] == f"!{pull}"
    assert body["pull_request"]["head"]["sha"] == gitee.pull(REPO, pull).head_sha


@pytest.mark.parametrize(
    ("branch", "name"), [("feature", "go-scm__push"), ("fresh", "go-scm__push_branch_create")]
)
async def test_push_bodies_have_the_fields_of_captured_ones(
    gitee: OfflineGitee, receiver: Receiver, pull: int, branch: str, name: str
) -> None:
    del pull
    gitee.add_hook(REPO, receiver.url, SECRET, events=("push_events",))
    sha = await gitee.commit(REPO, branch, {"b": "2", "src/app.py": None}, by="mei")
    await gitee.delivered()
    body = receiver.requests[0].body
    assert missing_keys(captured(name), body) == []
    assert (body["after"], body["created"]) == (sha, branch == "fresh")
    assert body["head_commit"]["removed"] == ["src/app.py"]


async def test_display_names_are_not_paths(gitee: OfflineGitee, receiver: Receiver, pull: int) -> None:
    gitee.add_hook(REPO, receiver.url, SECRET)
    await gitee.comment(REPO, pull, "hi", by="mei")
    await gitee.delivered()
    repository = receiver.requests[0].body["repository"]
    assert (repository["name"], repository["path"]) == ("小店", "shop")
    assert repository["path_with_namespace"] == REPO


async def test_sign_mode_signs_time_and_secret(gitee: OfflineGitee, receiver: Receiver, pull: int) -> None:
    gitee.add_hook(REPO, receiver.url, SECRET, mode="sign")
    await gitee.comment(REPO, pull, "hi", by="mei")
    await gitee.delivered()
    headers, body = receiver.requests[0].headers, receiver.requests[0].body
    timestamp = headers["X-Gitee-Timestamp"]
    assert headers["X-Gitee-Token"] == signed(SECRET, timestamp) == body["sign"]
    assert (body["timestamp"], body["password"]) == (timestamp, "")
    assert headers["X-Gitee-Event"] == headers["X-Git-Oschina-Event"] == "Note Hook"
    assert headers["User-Agent"] == "git-oschina-hook"
    assert headers["X-Gitee-Ping"] == "false"


async def test_password_mode_sends_the_password(gitee: OfflineGitee, receiver: Receiver, pull: int) -> None:
    gitee.add_hook(REPO, receiver.url, SECRET, mode="password")
    await gitee.comment(REPO, pull, "hi", by="mei")
    await gitee.delivered()
    assert receiver.requests[0].headers["X-Gitee-Token"] == SECRET
    assert (receiver.requests[0].body["password"], receiver.requests[0].body["sign"]) == (SECRET, "")


def test_signatures_are_those_of_real_deliveries() -> None:
    vectors = json.loads((SAMPLES / "signature_vectors.json").read_text())
    assert vectors
    for one in vectors:
        assert signature(one["secret"], one["timestamp"]) == one["signature"]


async def test_a_ping_is_a_push_to_another_repository(
    gitee: OfflineGitee, receiver: Receiver, api: Api
) -> None:
    hook = gitee.add_hook(REPO, receiver.url, SECRET)
    answer = await api("lin").post(f"/repos/{REPO}/hooks/{hook.id}/tests")
    await gitee.delivered()
    assert answer.status_code == 204
    assert receiver.requests[0].headers["X-Gitee-Ping"] == "true"
    assert receiver.requests[0].body["repository"]["path_with_namespace"] == "oschina/gitee"
    assert REPO in receiver.requests[0].body["hook_url"]


async def test_a_webhook_receives_only_its_enabled_events(
    gitee: OfflineGitee, receiver: Receiver, pull: int
) -> None:
    gitee.add_hook(REPO, receiver.url, SECRET, events=("note_events",))
    await gitee.push(REPO, pull, {"b": "2"}, by="mei")
    await gitee.comment(REPO, pull, "hi", by="mei")
    await gitee.delivered()
    assert [one.headers["X-Gitee-Event"] for one in receiver.requests] == ["Note Hook"]


async def test_a_failed_delivery_is_recorded_and_not_retried(
    gitee: OfflineGitee, receiver: Receiver, pull: int
) -> None:
    hook = gitee.add_hook(REPO, receiver.url, SECRET)
    receiver.status = 503
    await gitee.comment(REPO, pull, "hi", by="mei")
    await gitee.delivered()
    assert [(one.status, one.response) for one in gitee.deliveries] == [(503, '{"seen": 1}')]
    assert (hook.result_code, len(receiver.requests)) == (503, 1)


async def test_a_missing_receiver_is_an_error_in_the_history(gitee: OfflineGitee, pull: int) -> None:
    gitee.add_hook(REPO, f"http://127.0.0.1:{free_port()}/", SECRET)
    await gitee.comment(REPO, pull, "hi", by="mei")
    await gitee.delivered()
    assert gitee.deliveries[0].status is None
    assert "Connect" in gitee.deliveries[0].error


async def test_a_slow_receiver_times_out(
    gitee: OfflineGitee, receiver: Receiver, pull: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhooks, "TIMEOUT", 0.05)
    receiver.hold.clear()
    gitee.add_hook(REPO, receiver.url, SECRET)
    await gitee.comment(REPO, pull, "hi", by="mei")
    await gitee.delivered()
    assert gitee.deliveries[0].error.startswith("no response within")


async def test_dropped_deliveries_remain_in_the_history(
    gitee: OfflineGitee, receiver: Receiver, pull: int
) -> None:
    gitee.add_hook(REPO, receiver.url, SECRET)
    gitee.faults.drop_webhooks(1)
    await gitee.comment(REPO, pull, "lost", by="mei")
    await gitee.comment(REPO, pull, "heard", by="mei")
    await gitee.delivered()
    assert [one.body["note"] for one in receiver.requests] == ["heard"]
    assert [one.dropped for one in gitee.deliveries] == [True, False]


async def test_a_redelivery_has_the_same_bytes(gitee: OfflineGitee, receiver: Receiver, pull: int) -> None:
    gitee.add_hook(REPO, receiver.url, SECRET)
    await gitee.comment(REPO, pull, "hi", by="mei")
    await gitee.delivered()
    gitee.redeliver(0)
    await gitee.delivered()
    first, second = receiver.requests
    assert first.body == second.body
    assert first.headers["X-Gitee-Timestamp"] == second.headers["X-Gitee-Timestamp"]


async def test_a_delivery_contains_the_state_at_its_time(
    gitee: OfflineGitee, receiver: Receiver, pull: int
) -> None:
    gitee.add_hook(REPO, receiver.url, SECRET)
    receiver.hold.clear()
    await gitee.comment(REPO, pull, "before", by="mei")
    old = gitee.pull(REPO, pull).head_sha
    new = await gitee.push(REPO, pull, {"b": "2"}, by="mei")
    receiver.hold.set()
    await gitee.delivered()
    shas = [one.body["pull_request"]["head"]["sha"] for one in receiver.requests]
    assert shas == [old, new]


async def test_a_deleted_fork_is_null(gitee: OfflineGitee, receiver: Receiver) -> None:
    number = await gitee.open_pull(REPO, "f", files={"a": "1"}, by="stranger", from_fork=True)
    gitee.delete_fork("stranger/shop")
    gitee.add_hook(REPO, receiver.url, SECRET)
    await gitee.comment(REPO, number, "hi", by="lin")
    await gitee.delivered()
    assert receiver.requests[0].body["pull_request"]["head"]["repo"] is None
