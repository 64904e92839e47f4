"""How long ago an entry was written."""

import pytest

from guestbook.ago import ago

HOUR, DAY = 3600, 86400


@pytest.mark.parametrize("seconds", [0, 59])
def test_less_than_a_minute_is_just_now(seconds):
    assert ago(seconds) == "刚刚"


def test_minutes():
    assert ago(5 * 60) == "5 分钟前"


def test_hours():
    assert ago(2 * HOUR) == "2 小时前"


def test_days():
    assert ago(3 * DAY + HOUR) == "3 天前"
