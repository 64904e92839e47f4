"""Reading webhook bodies: captured, changed and generated ones."""

import contextlib
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.admission import keys
from bot.gitee.wire import Ignored, MalformedDeliveryError, read
from bot.model.delivery import Delivery, Trigger
from bot.model.forge import RepoPath
from tests.gitee.samples import NOW, PAYLOADS, payload

PULL = {"X-Gitee-Event": "Merge Request Hook"}
NOTE = {"X-Gitee-Event": "Note Hook"}
REPO = RepoPath("user03", "drone-yml-test")
OLD, NEW = "dc8fa2ebe050d63f639c5b834311e96bc2303523", "6168d9dae737b47f00c59fafca10c913a6850c3a"

EXPECTED: Mapping[str, tuple[Trigger, RepoPath, int, str] | str] = {
    "devops-scm__pull_request_webhook": (
        Trigger.OPEN,
        RepoPath("repo_group", "repo_name"),
        1,
        "c34a2c245959b4631dc811749510dfbcdd2f7016",
    ),
    "go-scm__note_hook_pr_comment": (Trigger.COMMENT, REPO, 7, NEW),
    "go-scm__pr_close": (Trigger.CLOSE, REPO, 8, OLD),
    "go-scm__pr_merge": (Trigger.MERGE, REPO, 9, OLD),
    "go-scm__pr_open": (Trigger.OPEN, REPO, 9, OLD),
    "go-scm__pr_update": (Trigger.UPDATE, REPO, 7, NEW),
    "go-scm__pr_labeled": "no_new_commits",
    "go-scm__pr_unlabeled": "no_new_commits",
    "go-scm__note_hook_issue_comment": "not_a_pull_request",
}


def sent(body: object, headers: Mapping[str, str] = PULL) -> Delivery | Ignored:
    return read(headers, json.dumps(body).encode(), NOW)


def delivered(body: object, headers: Mapping[str, str] = PULL) -> Delivery:
    found = sent(body, headers)
    assert isinstance(found, Delivery)
    return found


def changed(name: str, **fields: Any) -> dict[str, Any]:
    """Return a captured body with changed values; `pull_request__head__sha` names a nested one."""
    body = payload(name)
    for path, value in fields.items():
        *outer, last = path.split("__")
        holder = body
        for part in outer:
            holder = holder[part]
        holder[last] = value
    return body


@pytest.mark.parametrize("path", PAYLOADS, ids=lambda path: path.stem)
def test_every_captured_body_is_read(path: Path) -> None:
    expected = EXPECTED.get(path.stem, "other_event")

    found = read({}, path.read_bytes(), NOW)

    if isinstance(found, Ignored):
        assert found.why == expected
    else:
        assert (found.trigger, found.repo, found.number, found.head_sha) == expected
        assert found.received_at == NOW


def test_a_comment_has_its_id_digest_and_author() -> None:
    found = delivered(payload("go-scm__note_hook_pr_comment"), NOTE)

    assert found.comment_id == 6937563
    assert found.body_digest == hashlib.sha256(b"comment").hexdigest()
    assert found.sender == "user03"


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Gitee-Event": "Merge Request Hook"},
        {"x-gitee-event": "merge_request_hooks"},
        {"X-Git-Oschina-Event": "Merge Request Hook", "X-Gitee-Ping": "false"},
        {"X-Gitee-Event": ""},
        {},
    ],
)
def test_the_event_type_comes_from_a_header_or_the_body(headers: Mapping[str, str]) -> None:
    assert delivered(payload("go-scm__pr_open"), headers).trigger is Trigger.OPEN


def test_a_ping_is_recognized() -> None:
    assert sent(payload("go-scm__push"), {"X-Gitee-Ping": "true"}) == Ignored("ping")
    assert sent(payload("go-scm__pr_open"), {**PULL, "X-Gitee-Ping": "true"}) == Ignored("ping")


@pytest.mark.parametrize("description", ["test", "assign"])
def test_one_of_the_three_deliveries_of_a_creation_counts(description: str) -> None:
    assert sent(changed("go-scm__pr_open", action_desc=description)) == Ignored("open_again")
    assert delivered(changed("go-scm__pr_open", action_desc=None)).trigger is Trigger.OPEN


@pytest.mark.parametrize("description", ["update_label", "update_link_issue", "new thing"])
def test_an_update_without_new_commits_is_ignored(description: str) -> None:
    assert sent(changed("go-scm__pr_update", action_desc=description)) == Ignored("no_new_commits")


@pytest.mark.parametrize(
    "description", [None, "", 7, "target_branch_changed", "update_draft", "title_changed"]
)
def test_an_update_that_may_change_what_runs_counts(description: object) -> None:
    assert delivered(changed("go-scm__pr_update", action_desc=description)).trigger is Trigger.UPDATE


def test_reopening_differs_from_opening() -> None:
    assert (
        delivered(changed("go-scm__pr_open", action="reopen", action_desc="open")).trigger is Trigger.REOPEN
    )


@pytest.mark.parametrize("action", ["assign", "test", "tested", "approved", "new thing", None, 3])
def test_other_events_are_ignored(action: object) -> None:
    assert sent(changed("go-scm__pr_open", action=action)) == Ignored("other_action")


@pytest.mark.parametrize("action", ["edited", "new thing", None])
def test_only_new_comments_count(action: object) -> None:
    assert sent(changed("go-scm__note_hook_pr_comment", action=action), NOTE) == Ignored("not_a_new_comment")


def test_a_deleted_comment_may_revoke_an_approval() -> None:
    created = delivered(changed("go-scm__note_hook_pr_comment"), NOTE)

    deleted = delivered(changed("go-scm__note_hook_pr_comment", action="deleted"), NOTE)

    assert deleted.key != created.key
    assert (deleted.trigger, deleted.comment_id) == (Trigger.REVOCATION, created.comment_id)
    assert (deleted.repo, deleted.number) == (created.repo, created.number)


@pytest.mark.parametrize("kind", ["Issue", "Commit", "Comment", None])
def test_only_comments_under_pull_requests_count(kind: object) -> None:
    body = changed("go-scm__note_hook_pr_comment", noteable_type=kind)

    assert sent(body, NOTE) == Ignored("not_a_pull_request")


def test_a_deleted_fork_changes_nothing() -> None:
    found = delivered(changed("go-scm__pr_close", pull_request__head__repo=None, source_repo=None))

    assert (found.repo, found.head_sha) == (REPO, OLD)


def test_display_names_are_not_used_as_paths() -> None:
    body = changed("go-scm__pr_open", repository__name="小店", repository__full_name="某组织/小店")
    body["repository"]["path_with_namespace"] = None

    assert delivered(body).repo == REPO


def test_the_path_is_read_from_all_fields_that_may_contain_it() -> None:
    base = {"namespace": {"path": "lin"}, "path": "shop"}
    body = {"action": "open", "number": 3, "pull_request": {"base": {"repo": base}}}

    assert delivered(body).repo == RepoPath("lin", "shop")


@pytest.mark.parametrize(
    "path",
    [
        "../etc",
        "lin/..",
        "lin/a/b",
        "lin",
        "",
        "/x",
        "lin/a\nb",
        "lin/a b",
        "lin/a\0",
        "lin/.git",
        "林/店",
        "a" * 300 + "/x",
    ],
)
def test_a_path_with_traversal_is_refused(path: str) -> None:
    with pytest.raises(MalformedDeliveryError, match="path_with_namespace"):
        sent({"action": "open", "number": 3, "repository": {"path_with_namespace": path}})


@pytest.mark.parametrize("number", [0, -1, True, 1.5, "x", None, 2**63, "9" * 30, [7]])
def test_an_invalid_number_is_refused(number: object) -> None:
    with pytest.raises(MalformedDeliveryError, match="number"):
        sent({"action": "open", "number": number, "repository": {"path_with_namespace": "lin/shop"}})


def test_an_old_note_has_its_number_after_an_exclamation_mark() -> None:
    body = changed("go-scm__note_hook_pr_comment", pull_request=None, per_iid="!23")

    found = delivered(body, NOTE)

    assert (found.number, found.head_sha) == (23, None)


@pytest.mark.parametrize("comment", [None, {}, {"id": "x"}, {"id": True}, 5])
def test_a_note_without_its_comment_is_malformed(comment: object) -> None:
    with pytest.raises(MalformedDeliveryError, match=r"comment\.id"):
        sent(changed("go-scm__note_hook_pr_comment", comment=comment), NOTE)


@pytest.mark.parametrize("sha", ["", "abc", "z" * 40, "../../x", None, 5, OLD + "\n"])
def test_an_invalid_commit_id_is_dropped(sha: object) -> None:
    assert delivered(changed("go-scm__pr_open", pull_request__head__sha=sha)).head_sha is None


@pytest.mark.parametrize("login", ["", "a b", "<b>", None, 5, "x" * 500])
def test_an_invalid_login_is_dropped(login: object) -> None:
    body = changed("go-scm__pr_open", sender__login=login, author__login=login)

    assert delivered(body).sender == ""


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b'"x"', b"null", b"\xff", b"hook=%7B%7D", b"[" * 100_000, b"1" * 9_999]
)
def test_a_body_other_than_a_json_object_is_malformed(body: bytes) -> None:
    with pytest.raises(MalformedDeliveryError, match="JSON"):
        read(PULL, body, NOW)


def test_an_event_has_one_key_for_all_webhooks() -> None:
    again = {"hook_id": 1, "timestamp": "1999999999999", "sign": "other", "password": "x"}
    for name in ("go-scm__pr_open", "go-scm__pr_update", "go-scm__pr_close", "go-scm__note_hook_pr_comment"):
        first = read({}, json.dumps(payload(name)).encode(), NOW)
        second = read({}, json.dumps(payload(name) | again).encode(), NOW)
        assert isinstance(first, Delivery)
        assert first == second


def test_different_events_have_different_keys() -> None:
    later = "2030-01-01T00:00:00+08:00"
    update = "go-scm__pr_update"
    bodies = [
        payload(update),
        changed(update, pull_request__head__sha=OLD),
        # A push back to an earlier commit.
        changed(update, pull_request__updated_at=later),
        changed(update, pull_request__updated_at=None),
        changed(update, action="close"),
        changed(update, action="reopen"),
        changed(update, action="reopen", pull_request__updated_at=later),
        changed(update, action="open", action_desc="open"),
        changed(update, action="open", action_desc="open", pull_request__number=8),
        changed(update, repository__path_with_namespace="user03/other"),
        payload("go-scm__note_hook_pr_comment"),
        changed("go-scm__note_hook_pr_comment", comment__id=1),
    ]

    assert len({(read({}, json.dumps(body).encode(), NOW)).key for body in bodies}) == len(bodies)  # type: ignore[union-attr]  # an Ignored would fail here


def test_repeated_open_events_have_one_key() -> None:
    later = changed("go-scm__pr_open", pull_request__updated_at="2030-01-01T00:00:00+08:00")

    assert delivered(later).key == delivered(payload("go-scm__pr_open")).key


def test_repository_names_ignore_case() -> None:
    shouted = changed("go-scm__pr_open", repository__path_with_namespace="USER03/Drone-Yml-Test")

    assert delivered(shouted).key == delivered(payload("go-scm__pr_open")).key


def test_half_a_character_in_a_comment_is_digested_as_the_client_reads_it() -> None:
    found = delivered(changed("go-scm__note_hook_pr_comment", comment__body="/build \ud800"), NOTE)

    assert found.body_digest == keys.body_digest("/build ?")


def test_a_comment_without_words_has_no_digest() -> None:
    body = changed("go-scm__note_hook_pr_comment", comment__body=None)

    assert delivered(body, NOTE).body_digest is None


def test_a_delivery_contains_nothing_secret_or_personal() -> None:
    found = delivered(changed("go-scm__note_hook_pr_comment", password="sesame"), NOTE)

    assert "sesame" not in repr(found)
    assert "@" not in repr(found)


NAMES = """action action_desc number iid per_iid repository project pull_request comment id head base repo sha
    user login sender author namespace path path_with_namespace noteable_type updated_at timestamp body"""
WORDS = ["open", "update", "comment", "PullRequest", "lin/shop", "note_hooks", "source_branch_changed"]
KEYS = st.sampled_from(NAMES.split())
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(WORDS)
ANY_JSON = st.recursive(
    LEAVES, lambda inner: st.lists(inner) | st.dictionaries(KEYS | st.text(), inner), max_leaves=30
)


def survives(headers: Mapping[str, str], body: bytes) -> None:
    with contextlib.suppress(MalformedDeliveryError):
        assert isinstance(read(headers, body, NOW), Delivery | Ignored)


@settings(deadline=None)  # other work shares the machine
@given(ANY_JSON, st.sampled_from([PULL, NOTE, {}]))
def test_any_json_is_read_or_refused(body: object, headers: Mapping[str, str]) -> None:
    survives(headers, json.dumps(body).encode())


@settings(deadline=None)  # other work shares the machine
@given(st.binary(), st.dictionaries(st.text(), st.text()))
def test_any_bytes_are_read_or_refused(body: bytes, headers: dict[str, str]) -> None:
    survives(headers, body)


@settings(deadline=None)  # other work shares the machine
@given(st.sampled_from(sorted(EXPECTED)), st.lists(KEYS, min_size=1, max_size=4), LEAVES)
def test_a_captured_body_with_one_thing_wrong_is_read_or_refused(
    name: str, path: list[str], value: object
) -> None:
    body = payload(name)
    holder = body
    for part in path[:-1]:
        inner = holder.get(part)
        holder = inner if isinstance(inner, dict) else holder
    holder[path[-1]] = value
    survives({}, json.dumps(body).encode())
