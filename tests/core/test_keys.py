"""One event has one key, however it is reported."""

import pytest

from bot.core.admission import keys
from bot.model.delivery import Trigger
from bot.model.forge import RepoPath

SHOP = RepoPath("team", "shop")
SHA = "ab" * 20
AT = "2026-03-01T12:00:00+08:00"


def test_equal_times_in_different_notations_give_one_key() -> None:
    spelled = {
        keys.of_pull_event(SHOP, 1, Trigger.CLOSE, SHA, text)
        for text in (AT, "2026-03-01T04:00:00Z", "2026-03-01T04:00:00.000+00:00")
    }
    assert len(spelled) == 1


@pytest.mark.parametrize("odd", ["", "yesterday", "1700000000000", "0001-01-01T00:00:00+14:00"])
def test_invalid_times_still_distinguish_events(odd: str) -> None:
    assert keys.of_pull_event(SHOP, 1, Trigger.CLOSE, SHA, odd) != keys.of_pull_event(
        SHOP, 1, Trigger.CLOSE, SHA, AT
    )


def test_an_open_event_has_one_key_at_any_time() -> None:
    first, later = (keys.of_pull_event(SHOP, 1, Trigger.OPEN, SHA, text) for text in (AT, ""))
    assert first == later


def test_paths_are_compared_as_gitee_does() -> None:
    assert keys.of_comment(SHOP, 1, 5) == keys.of_comment(RepoPath("Team", "Shop"), 1, 5)


def test_the_end_of_a_comment_is_another_event_than_the_comment() -> None:
    assert keys.of_revocation(SHOP, 1, 5) != keys.of_comment(SHOP, 1, 5)
    assert keys.of_revocation(SHOP, 1, 5) != keys.of_revocation(SHOP, 1, 6)


def test_a_body_with_invalid_unicode_has_a_digest() -> None:
    assert keys.body_digest("/build") != keys.body_digest("/build ")
    assert len(keys.body_digest("\ud800")) == 64
