"""Decides which events start nothing automatically: drafts, `[skip ci]`, changes of ignored files only."""

import re
from collections.abc import Iterable, Sequence

from bot.core import paths
from bot.model.delivery import Trigger
from bot.model.forge import PullRequest
from bot.model.observed import ObservedState, Skip
from bot.model.pipeline import PathFilter, Pipeline
from bot.model.plan import Teardown
from bot.model.run import Run
from bot.model.snapshot import Snapshot

_MARKER = re.compile(r"\[(?:skip[ -]ci|ci[ -]skip)\]", re.IGNORECASE)
_DRAFT_TITLE = re.compile(
    r"\s*(?:[\[(【（](?:wip|draft|草稿)[\])】）]|(?:wip|draft|草稿)\s*[:：]|wip(?!\w))", re.IGNORECASE
)
_AUTOMATIC = frozenset({Trigger.OPEN, Trigger.REOPEN, Trigger.UPDATE})


def is_draft(pull: PullRequest) -> bool:
    """Whether its author marks it as unfinished, in Gitee or at the beginning of its title."""
    return pull.draft or _DRAFT_TITLE.match(pull.title) is not None


def by_pull(pull: PullRequest, pipeline: Pipeline) -> Skip | None:
    """Return why a pull request itself starts nothing."""
    if is_draft(pull) and not pipeline.on.drafts:
        return Skip.DRAFT
    return Skip.TITLE if _MARKER.search(pull.title) else None


def by_files(chosen: PathFilter, files: Sequence[str]) -> Skip | None:
    """Return why a pull request that changes these files starts nothing."""
    return None if paths.matches(chosen, files) else Skip.PATHS


def by_message(message: str) -> Skip | None:
    """Return why a newest commit with this message starts nothing."""
    return Skip.COMMIT if _MARKER.search(message) else None


def compared_run(recent: Iterable[Run], snapshot: Snapshot) -> Run | None:
    """Return the run since whose commit a push may have changed only ignored files, if there is one.

    `recent` is newest first. It is the newest automatic run, unless it was stopped, a run is active, or
    something was removed since: then the new commit runs, or nothing would.
    """
    if snapshot.active or snapshot.pipeline.paths == PathFilter():
        return None
    last = next((run for run in recent if not _is_addition(run)), None)
    if last is None or last.origin.trigger not in _AUTOMATIC or last.stop or last.sha == snapshot.sha:
        return None
    return last


def _is_addition(run: Run) -> bool:
    """Return whether a run did something for a person, and left what was there."""
    return run.origin.trigger is Trigger.COMMENT and not any(
        isinstance(step, Teardown) for step in run.plan.steps
    )


def by_push(chosen: PathFilter, files: Sequence[str] | None) -> Skip | None:
    """Return why a push that changes these files starts nothing; None means that they are unknown."""
    return None if files is None or paths.matches(chosen, files) else Skip.PUSH


def still_skipped(known: ObservedState | None, pull: PullRequest) -> Skip | None:
    """Return why nothing was started for the present commit, if that reason has not ceased since."""
    if known is None or known.head != pull.head.sha:
        return None
    if known.skipped is Skip.DRAFT and not is_draft(pull):
        return None
    if known.skipped is Skip.TITLE and not _MARKER.search(pull.title):
        return None
    return known.skipped
