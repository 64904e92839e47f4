from itertools import product

import pytest

from bot.core.admission import trust
from bot.core.language.command import PermissionLevel
from bot.model.forge import Permission, PullRequest, Tip
from tests.fakes.snapshots import OLD, SHA, pull_request

NONE, READ, WRITE, ADMIN = Permission

GONE = Tip("feature", SHA, None)


@pytest.mark.parametrize("permission", Permission)
@pytest.mark.parametrize("approved", [frozenset[str](), frozenset({OLD}), frozenset({SHA})])
@pytest.mark.parametrize(
    "pull",
    [pull_request(), pull_request(fork=True), pull_request(fork=True, head=GONE)],
    ids=["branch", "fork", "deleted fork"],
)
def test_code_is_trusted_for_its_author_or_for_an_approved_commit(
    pull: PullRequest, permission: Permission, approved: frozenset[str]
) -> None:
    assert trust.trusted(pull, permission, approved) is (permission in {WRITE, ADMIN} or SHA in approved)


def test_a_later_push_drops_the_approval() -> None:
    later = pull_request(fork=True, head=Tip("feature", OLD, None))

    assert trust.trusted(pull_request(fork=True), READ, {SHA})
    assert not trust.trusted(later, READ, {SHA})


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
    [("Mei", "mei", True), ("mei", "mei", True), ("mei", "mei2", False), ("", "mei", False)],
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
