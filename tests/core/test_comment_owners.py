"""Whose a comment is: this store's, that of a store that was lost, or another bot's."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.core import markers
from bot.core.markers import Marker, Owner, ReadMarker
from bot.core.reconciling import comment_owners
from bot.core.reconciling.comment_owners import CLOCKS, YOUNG, Own
from bot.model.forge import Comment
from bot.model.run import Run
from bot.model.store_identity import StoreIdentity
from bot.model.text import Language
from tests.core.test_markers import RUN

STARTED = datetime(2026, 3, 1, tzinfo=UTC)
BEFORE, AFTER = STARTED - timedelta(hours=1), STARTED + timedelta(hours=1)
RENEWED = STARTED + timedelta(days=2)
OWN = Own("chatops", (StoreIdentity("bbbbbbbb", RENEWED), StoreIdentity("aaaaaaaa", STARTED)))
CURRENT, EARLIER = Owner("chatops", "bbbbbbbb"), Owner("chatops", "aaaaaaaa")
PREDECESSOR, OTHER = Owner("chatops", "zzzzzzzz"), Owner("staging", "yyyyyyyy")


def comment(at: datetime = BEFORE) -> Comment:
    return Comment(1, "words", "bot", BEFORE, at)


def found(owner: Owner | None, *, marker: Marker | None = None, unfinished: bool = True) -> ReadMarker:
    return ReadMarker(marker or markers.of_run(RUN), owner, unfinished)


@pytest.mark.parametrize(
    ("owner", "at", "expected"),
    [
        (None, AFTER, False),
        (CURRENT, AFTER, False),
        (EARLIER, AFTER, False),
        (PREDECESSOR, AFTER, True),
        (PREDECESSOR, STARTED + CLOCKS, False),
        (OTHER, AFTER, True),
        (OTHER, BEFORE, False),
    ],
)
def test_another_bot_writes_after_this_store_was_made(
    owner: Owner | None, at: datetime, *, expected: bool
) -> None:
    assert comment_owners.by_another_bot(found(owner), comment(at), OWN) is expected


@pytest.mark.parametrize(
    ("owner", "marker", "run", "newest", "expected"),
    [
        (CURRENT, None, None, 41, True),
        (CURRENT, None, None, 42, False),
        (CURRENT, None, RUN, 42, False),
        (CURRENT, None, replace(RUN, uid="other"), 42, True),
        (CURRENT, Marker("failed", "42", "x7k2p9"), None, 41, True),
        (CURRENT, Marker("run", "42"), None, 41, False),
        (CURRENT, Marker("reply", "42", "x7k2p9"), None, 41, False),
        (EARLIER, None, None, 41, False),
        (PREDECESSOR, None, None, 41, False),
        (None, None, None, 41, False),
    ],
)
def test_a_run_that_was_not_given_out_yet_shows_that_a_backup_was_restored(
    owner: Owner | None, marker: Marker | None, run: Run | None, newest: int, *, expected: bool
) -> None:
    assert comment_owners.shows_a_restored_backup(found(owner, marker=marker), OWN, run, newest) is expected


@pytest.mark.parametrize(
    ("owner", "at", "run", "expected"),
    [
        (PREDECESSOR, BEFORE, None, True),
        (PREDECESSOR, BEFORE, replace(RUN, uid="other"), True),
        (PREDECESSOR, AFTER, None, False),
        (EARLIER, AFTER, None, True),
        (CURRENT, AFTER, RUN, False),
        (OTHER, BEFORE, None, False),
        (None, BEFORE, None, False),
    ],
)
def test_a_run_is_lost_if_no_store_of_the_bot_knows_it(
    owner: Owner | None, at: datetime, run: Run | None, *, expected: bool
) -> None:
    assert comment_owners.is_lost(found(owner), comment(at), OWN, run) is expected


def test_only_unfinished_runs_are_lost() -> None:
    assert not comment_owners.is_lost(found(PREDECESSOR, unfinished=False), comment(), OWN, None)
    announced = found(PREDECESSOR, marker=Marker("ready", "42", "x7k2p9"))
    assert not comment_owners.is_lost(announced, comment(), OWN, None)


def test_a_store_is_young_for_some_time_after_each_new_identity() -> None:
    assert OWN.owner == CURRENT
    assert OWN.horizon == RENEWED - YOUNG
    assert OWN.young(RENEWED + YOUNG - timedelta(seconds=1))
    assert not OWN.young(RENEWED + YOUNG)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("🔄 **正在构建** · 提交 `1a2b`", Language.ZH),
        ("\n🔄 **Building** · `/build` by 商店", Language.EN),
        ("", Language.EN),
    ],
)
def test_the_language_of_a_comment_is_that_of_its_headline(body: str, expected: Language) -> None:
    assert comment_owners.language(body) is expected
