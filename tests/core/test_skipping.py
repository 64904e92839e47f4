"""Which events start nothing automatically."""

from dataclasses import replace
from typing import Any

import pytest

from bot.core.deciding import skipping
from bot.model.delivery import Trigger
from bot.model.observed import ObservedState, Skip
from bot.model.pipeline import PathFilter, Pipeline
from bot.model.plan import Plan, Teardown
from bot.model.reason import Reason
from bot.model.run import Run, StopRequest
from tests.fakes.snapshots import NOW, OLD, SHA, pull_request, run, snapshot

DOCS = PathFilter(ignore=("docs/", "**/*.md"))
FILTERED = Pipeline(paths=DOCS)


def titled(title: str, *, draft: bool = False) -> Any:
    return replace(pull_request(), title=title, draft=draft)


@pytest.mark.parametrize(
    "title",
    [
        *("WIP: a cart", "wip：购物车", "[WIP] a cart", "【WIP】购物车", "(draft) a cart", "Draft: a cart"),
        *("草稿：购物车", "[草稿] 购物车", "WIP a cart", "  [wip]", "WIP"),
    ],
)
def test_a_title_can_mark_a_draft(title: str) -> None:
    assert skipping.by_pull(titled(title), Pipeline()) is Skip.DRAFT


@pytest.mark.parametrize(
    "title", ["Draft a policy", "Wiping old carts", "Remove WIP: marks", "草稿箱", "drafts: list them", ""]
)
def test_other_titles_do_not(title: str) -> None:
    assert skipping.by_pull(titled(title), Pipeline()) is None


def test_drafts_run_where_the_configuration_wants_it() -> None:
    pipeline = Pipeline(on=replace(Pipeline().on, drafts=True))
    assert skipping.by_pull(titled("WIP: a cart", draft=True), pipeline) is None
    assert skipping.by_pull(titled("WIP: a cart [skip ci]"), pipeline) is Skip.TITLE


@pytest.mark.parametrize("text", ["[skip ci] fix", "fix [CI SKIP]", "fix\n\n[ci-skip]", "[skip-ci]"])
def test_a_title_or_the_newest_commit_can_skip_automatic_runs(text: str) -> None:
    assert skipping.by_pull(titled(text), Pipeline()) is Skip.TITLE
    assert skipping.by_message(text) is Skip.COMMIT


@pytest.mark.parametrize("text", ["skip ci", "[skip  ci]", "[skip circle]", "[no ci]", "", "[skip\nci]"])
def test_other_words_skip_nothing(text: str) -> None:
    assert skipping.by_pull(titled(text), Pipeline()) is None
    assert skipping.by_message(text) is None


@pytest.mark.parametrize(
    ("files", "skips"),
    [
        (("docs/a.txt", "b.md"), True),
        (("docs/a.txt", "app.py"), False),
        ((), False),
        (tuple(f"docs/{n}" for n in range(300)), False),
    ],
)
def test_only_a_complete_list_of_ignored_files_skips(files: tuple[str, ...], *, skips: bool) -> None:
    assert (skipping.by_files(DOCS, files) is Skip.PATHS) is skips
    assert (skipping.by_push(DOCS, files) is Skip.PUSH) is skips


def test_an_unknown_push_skips_nothing() -> None:
    assert skipping.by_push(DOCS, None) is None


EARLIER = run(sha=OLD)
COMMANDED = run(8, sha=OLD, trigger=Trigger.COMMENT)
REMOVED = run(9, sha=OLD, plan=Plan((Teardown(everything=True),)), trigger=Trigger.COMMENT)


@pytest.mark.parametrize("trigger", [Trigger.OPEN, Trigger.REOPEN, Trigger.UPDATE])
def test_a_push_is_compared_with_the_newest_automatic_run(trigger: Trigger) -> None:
    earlier = run(sha=OLD, trigger=trigger)
    assert skipping.compared_run([COMMANDED, earlier], snapshot(pipeline=FILTERED)) is earlier


@pytest.mark.parametrize(
    "recent",
    [
        [],
        [COMMANDED],
        [run(sha=SHA)],
        [REMOVED, EARLIER],
        [replace(REMOVED, origin=replace(REMOVED.origin, trigger=Trigger.EXPIRE)), EARLIER],
        [replace(EARLIER, stop=StopRequest(Reason.CANCELLED))],
    ],
    ids=["none", "commands", "same", "removed", "expired", "stopped"],
)
def test_a_push_is_not_compared_if_nothing_is_left_to_keep(recent: list[Run]) -> None:
    assert skipping.compared_run(recent, snapshot(pipeline=FILTERED)) is None


def test_a_push_is_not_compared_without_filters_or_while_a_run_is_active() -> None:
    assert skipping.compared_run([EARLIER], snapshot()) is None
    assert skipping.compared_run([EARLIER], snapshot(pipeline=FILTERED, active=(EARLIER,))) is None


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        (None, None),
        (ObservedState(NOW, OLD, skipped=Skip.COMMIT), None),
        (ObservedState(NOW, SHA), None),
        (ObservedState(NOW, SHA, skipped=Skip.DRAFT), None),
        (ObservedState(NOW, SHA, skipped=Skip.TITLE), None),
        (ObservedState(NOW, SHA, skipped=Skip.COMMIT), Skip.COMMIT),
        (ObservedState(NOW, SHA, skipped=Skip.PUSH), Skip.PUSH),
    ],
)
def test_a_reason_ceases_with_its_mark(known: ObservedState | None, expected: Skip | None) -> None:
    assert skipping.still_skipped(known, pull_request()) is expected


def test_a_reason_lasts_as_long_as_its_mark() -> None:
    draft = ObservedState(NOW, SHA, skipped=Skip.DRAFT)
    assert skipping.still_skipped(draft, titled("a cart", draft=True)) is Skip.DRAFT
    marked = ObservedState(NOW, SHA, skipped=Skip.TITLE)
    assert skipping.still_skipped(marked, titled("[ci skip]")) is Skip.TITLE
