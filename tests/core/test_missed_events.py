"""Which events and commands count as missed, and which are skipped."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.reconciling.missed_events import FRESH, missed_comments, missed_event, reconcilable
from bot.model.delivery import Trigger
from bot.model.forge import Comment, Listed, PullRequest, PullState, RepoPath, Tip
from bot.model.observed import Effect, ObservedState, Skip

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
SINCE = NOW - timedelta(days=30)
AGE = timedelta(minutes=10)
SHOP = RepoPath("team", "shop")
A, B = "a" * 40, "b" * 40


def listed(state: PullState = PullState.OPEN, *, head: str = A, created: datetime = NOW) -> Listed:
    tip = Tip("feature", head, SHOP)
    pull = PullRequest(SHOP, 12, 1, "t", state, "mei", tip, replace(tip, ref="master"), "", "")
    return Listed(pull, created, created)


def known(state: PullState | None = PullState.OPEN, head: str = A, comment: int = 0) -> ObservedState:
    said: dict[str, int] = {Effect.IMAGE: comment} if comment else {}
    return ObservedState(NOW - AGE, head, state, commands=said)


OLD = SINCE - timedelta(days=1)
OPEN, CLOSED, MERGED = PullState.OPEN, PullState.CLOSED, PullState.MERGED


@pytest.mark.parametrize(
    ("seen", "observed", "holds", "expected"),
    [
        (listed(), None, False, Trigger.OPEN),
        (listed(), known(None, ""), False, Trigger.OPEN),
        (listed(created=SINCE), None, False, Trigger.OPEN),
        (listed(created=OLD), None, False, None),
        (listed(created=OLD), None, True, None),
        (listed(), known(), True, None),
        (listed(head=B), known(), False, Trigger.UPDATE),
        (listed(), known(CLOSED), False, Trigger.REOPEN),
        (listed(head=B), known(CLOSED), False, Trigger.REOPEN),
        (listed(CLOSED), known(), False, Trigger.CLOSE),
        (listed(MERGED, head=B), known(), True, Trigger.MERGE),
        (listed(CLOSED), known(CLOSED), True, None),
        (listed(MERGED), known(CLOSED), True, None),
        (listed(CLOSED), None, False, None),
        (listed(CLOSED), None, True, Trigger.CLOSE),
        (listed(MERGED), known(None, ""), True, Trigger.MERGE),
    ],
)
def test_a_difference_from_the_stored_state_is_a_missed_event(
    seen: Listed, observed: ObservedState | None, *, holds: bool, expected: Trigger | None
) -> None:
    assert missed_event(seen, observed, SINCE, holds=holds) is expected


@pytest.mark.parametrize(
    ("skipped", "draft", "title", "changed"),
    [
        (Skip.DRAFT, True, "t", False),
        (Skip.DRAFT, False, "WIP: t", False),
        (Skip.DRAFT, False, "t", True),
        (Skip.TITLE, False, "[skip ci] t", False),
        (Skip.TITLE, False, "t", True),
        (Skip.COMMIT, False, "t", False),
        (Skip.PATHS, False, "t", False),
        (Skip.PUSH, False, "t", False),
    ],
)
def test_a_draft_that_became_ready_unnoticed_has_missed_an_update(
    skipped: Skip, title: str, *, draft: bool, changed: bool
) -> None:
    seen = listed()
    seen = replace(seen, pull=replace(seen.pull, draft=draft, title=title))
    observed = replace(known(), skipped=skipped)
    expected = Trigger.UPDATE if changed else None
    assert missed_event(seen, observed, SINCE, holds=False) is expected


states = st.sampled_from(PullState)
heads = st.sampled_from([A, B])
observed_states = st.none() | st.builds(known, st.none() | states, st.sampled_from(["", A, B]))
pulls = st.builds(lambda state, head: listed(state, head=head), states, heads)


@given(seen=pulls, observed=observed_states, holds=st.booleans())
def test_a_recovered_event_is_not_recovered_again(
    *, seen: Listed, observed: ObservedState | None, holds: bool
) -> None:
    decided = ObservedState(NOW, seen.pull.head.sha, seen.pull.state)
    after = observed.then(decided) if observed else decided
    assert missed_event(seen, after, SINCE, holds=holds) is None


@given(seen=pulls, observed=observed_states, holds=st.booleans())
def test_only_a_closed_or_merged_pull_request_has_missed_its_close(
    *, seen: Listed, observed: ObservedState | None, holds: bool
) -> None:
    found = missed_event(seen, observed, SINCE, holds=holds)
    if found is not None:
        assert (found in {Trigger.CLOSE, Trigger.MERGE}) is (seen.pull.state is not OPEN)


def said(number: int, ago: timedelta, edited: timedelta = timedelta()) -> Comment:
    at = NOW - ago
    return Comment(number, "/build", "lin", at, at + edited)


def test_missed_commands_are_recovered_in_order() -> None:
    first, second = said(5, timedelta(hours=2)), said(6, timedelta(hours=1))
    assert missed_comments((second, first), SINCE, NOW, AGE) == (first, second)


@pytest.mark.parametrize(
    "late",
    [
        said(5, FRESH + timedelta(seconds=1)),
        said(5, timedelta(hours=1), edited=timedelta(minutes=1)),
        said(5, AGE - timedelta(seconds=1)),
    ],
    ids=["old", "edited", "young"],
)
def test_missed_commands_have_a_minimum_and_a_maximum_age(late: Comment) -> None:
    assert missed_comments((late,), SINCE, NOW, AGE) == ()


def test_comments_from_before_the_first_sweep_are_ignored() -> None:
    assert missed_comments((said(5, timedelta(hours=2)),), NOW - timedelta(hours=1), NOW, AGE) == ()


def test_recently_changed_and_pending_pull_requests_are_skipped() -> None:
    old, young = listed(created=NOW - AGE), listed()
    assert reconcilable((old, young), NOW, AGE, ()) == (old,)
    assert reconcilable((old, young), NOW, AGE, (12,)) == ()


def test_comments_and_events_are_observed_independently() -> None:
    event, comment = known(OPEN, A, comment=7), ObservedState(NOW, commands={Effect.IMAGE: 9})
    assert event.then(comment) == known(OPEN, A, comment=9)
    assert comment.then(known(CLOSED, B)) == known(CLOSED, B, comment=9)
    assert comment.then(ObservedState(NOW, commands={Effect.IMAGE: 8})) == comment
    other = ObservedState(NOW, commands={Effect.STOP: 3})
    assert comment.then(other).commands == {Effect.IMAGE: 9, Effect.STOP: 3}


def test_a_head_is_as_old_as_when_it_was_first_observed() -> None:
    first = replace(known(), head_at=NOW - AGE, pushed=frozenset({Effect.RUN}))
    again = replace(known(CLOSED), head_at=NOW)
    assert first.then(again) == replace(again, head_at=first.head_at, pushed=first.pushed)
    assert first.then(replace(again, head=B)) == replace(again, head=B)
