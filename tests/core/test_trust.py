from datetime import timedelta
from itertools import product

import pytest

from bot.core.admission import trust
from bot.core.admission.permissions import Person, Rule, fits
from bot.core.language.command import PermissionLevel
from bot.model.forge import Comment, Permission, PullRequest, RepoPath, Tip
from bot.model.reason import Reason
from tests.fakes.snapshots import NOW, OLD, SHA, approval, pull_request

NONE, READ, WRITE, ADMIN = Permission

FORK = pull_request(fork=True)
GONE = pull_request(fork=True, head=Tip("feature", SHA, None))
ELSEWHERE = pull_request(head=Tip("feature", SHA, RepoPath("team-forks", "shop")))
SHOUTED = pull_request(head=Tip("feature", SHA, RepoPath("MEI", "shop")))
RENAMED_CASE = pull_request(head=Tip("feature", SHA, RepoPath("Team", "Shop")))


@pytest.mark.parametrize(
    ("pull", "author", "others", "reason"),
    [
        (pull_request(), NONE, None, Reason.NOT_TRUSTED),
        (pull_request(), READ, {}, Reason.NOT_TRUSTED),
        (pull_request(), WRITE, None, None),
        (RENAMED_CASE, WRITE, None, None),
        (FORK, READ, {}, Reason.NOT_TRUSTED),
        (FORK, WRITE, {}, None),
        (FORK, ADMIN, {}, None),
        (SHOUTED, WRITE, {}, None),
        (FORK, WRITE, {"lin": ADMIN, "chatops-bot": WRITE}, None),
        (FORK, WRITE, {"lin": ADMIN, "stranger": READ, "other": NONE}, Reason.FORK_SHARED),
        (FORK, WRITE, None, Reason.FORK_UNREADABLE),
        (GONE, ADMIN, {}, Reason.FORK_DELETED),
        (ELSEWHERE, ADMIN, {}, Reason.FORK_NOT_OWN),
    ],
)
def test_a_commit_is_trusted_if_only_writers_can_have_pushed_it(
    pull: PullRequest, author: Permission, others: dict[str, Permission] | None, reason: Reason | None
) -> None:
    found = trust.distrust(pull, author, others)

    assert (found.reason if found else None) is reason
    assert found is None or found.facts["approve"] == f"/ok-to-test {SHA}"


def test_the_people_who_make_a_fork_untrusted_are_named() -> None:
    found = trust.distrust(FORK, WRITE, {"zed": NONE, "lin": WRITE, "amy": READ})

    assert found is not None
    assert (found.facts["who"], found.facts["fork"]) == ("amy, zed", "mei/shop")


@pytest.mark.parametrize(
    ("pull", "author", "asked"),
    [
        (FORK, WRITE, True),
        (SHOUTED, ADMIN, True),
        (FORK, READ, False),
        (pull_request(), WRITE, False),
        (GONE, WRITE, False),
        (ELSEWHERE, WRITE, False),
    ],
)
def test_collaborators_are_read_only_where_trust_depends_on_them(
    pull: PullRequest, author: Permission, *, asked: bool
) -> None:
    assert trust.may_be_own(pull, author) is asked


@pytest.mark.parametrize(
    ("sha", "base", "covered"), [(SHA, "main", True), (OLD, "main", False), (SHA, "release", False)]
)
def test_an_approval_is_for_a_commit_and_a_base_branch(sha: str, base: str, *, covered: bool) -> None:
    assert trust.covers(approval(sha, base=base), pull_request(fork=True)) is covered


def comment(number: int, seconds: int = 0) -> Comment:
    at = NOW + timedelta(seconds=seconds)
    return Comment(number, "/ok-to-test", "lin", at, at)


@pytest.mark.parametrize(
    ("found", "digest", "permission", "level", "reason"),
    [
        (comment(70), "d" * 64, WRITE, PermissionLevel.WRITE, None),
        (None, "d" * 64, ADMIN, PermissionLevel.WRITE, Reason.APPROVAL_DELETED),
        (comment(70), "e" * 64, ADMIN, PermissionLevel.WRITE, Reason.APPROVAL_EDITED),
        (comment(70), "d" * 64, READ, PermissionLevel.WRITE, Reason.APPROVER_DEMOTED),
        (comment(70), "d" * 64, WRITE, PermissionLevel.ADMIN, Reason.APPROVER_DEMOTED),
    ],
)
def test_an_approval_counts_while_its_comment_and_the_right_last(
    found: Comment | None, digest: str, permission: Permission, level: PermissionLevel, reason: Reason | None
) -> None:
    may = fits(Rule(level), Person("lin", permission), trusted=False)
    gone = trust.revocation(approval(), found, digest, may_approve=may)

    assert (gone.reason if gone else None) is reason
    assert gone is None or gone.facts == {"who": "lin"}


@pytest.mark.parametrize(
    ("request_", "before"),
    [
        (None, False),
        (comment(69), True),
        (comment(69, -5), True),
        (comment(71, -5), False),
        (comment(69, 5), False),
    ],
)
def test_a_request_counts_if_it_was_there_first(request_: Comment | None, *, before: bool) -> None:
    assert trust.announced(request_, comment(70)) is before


# Rows: level; columns: permission NONE, READ, WRITE, ADMIN.
STRANGER = {
    PermissionLevel.ANYONE: (True, True, True, True),
    PermissionLevel.CONTRIBUTOR: (False, False, True, True),
    PermissionLevel.WRITE: (False, False, True, True),
    PermissionLevel.ADMIN: (False, False, False, True),
}
TRUSTED_AUTHOR = {**STRANGER, PermissionLevel.CONTRIBUTOR: (True, True, True, True)}


@pytest.mark.parametrize(("is_author", "trusted"), [*product([True, False], repeat=2)])
@pytest.mark.parametrize(("level", "permission"), [*product(PermissionLevel, Permission)])
def test_levels(level: PermissionLevel, permission: Permission, *, is_author: bool, trusted: bool) -> None:
    table = TRUSTED_AUTHOR if is_author and trusted else STRANGER

    allowed = trust.permitted(level, permission=permission, is_author=is_author, trusted=trusted)

    assert allowed is table[level][permission]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Mei", "mei", True),
        ("mei", "mei", True),
        ("mei", "mei2", False),
        ("", "mei", False),
        ("\u212ain", "kin", False),
    ],
)
def test_logins_ignore_case(one: str, other: str, *, same: bool) -> None:
    assert trust.same_person(one, other) is same


@pytest.mark.parametrize(
    ("level", "floor", "expected"),
    [
        (PermissionLevel.ANYONE, PermissionLevel.WRITE, PermissionLevel.WRITE),
        (PermissionLevel.ADMIN, PermissionLevel.WRITE, PermissionLevel.ADMIN),
        (PermissionLevel.CONTRIBUTOR, PermissionLevel.CONTRIBUTOR, PermissionLevel.CONTRIBUTOR),
    ],
)
def test_the_stricter_level_counts(
    level: PermissionLevel, floor: PermissionLevel, expected: PermissionLevel
) -> None:
    assert level.at_least(floor) is expected
