from datetime import timedelta

import pytest

from bot.model.text import Language
from bot.web.pages.formatting import relative
from bot.web.pages.language import choose
from bot.web.previews.hostnames import preview_label
from tests.web.fakes import NOW


@pytest.mark.parametrize(
    ("seconds", "en", "zh"),
    [
        (0, "just now", "刚刚"),
        (3, "any moment", "马上"),
        (-30, "30 seconds ago", "30 秒前"),
        (-119, "119 seconds ago", "119 秒前"),
        (-180, "3 minutes ago", "3 分钟前"),
        (-7200, "2 hours ago", "2 小时前"),
        (3 * 86_400, "in 3 days", "3 天后"),
    ],
)
def test_relative_times(seconds: int, en: str, zh: str) -> None:
    then = NOW + timedelta(seconds=seconds)

    assert relative(then, NOW, Language.EN) == en
    assert relative(then, NOW, Language.ZH) == zh


@pytest.mark.parametrize(
    ("asked", "cookie", "accept", "chosen"),
    [
        ("en", "zh", "zh", Language.EN),
        ("", "en", "zh", Language.EN),
        ("fr", "de", "en-GB,en;q=0.9", Language.EN),
        ("", "", "fr, en;q=0.4, zh-TW;q=0.8", Language.ZH),
        ("", "", "en;q=0, zh;q=0.1", Language.ZH),
        ("", "", "en;q=x", Language.ZH),
        ("", "", "", Language.ZH),
        ("", "", "," * 10_000 + "en", Language.ZH),
    ],
)
def test_the_language_is_the_one_of_the_visitor(
    asked: str, cookie: str, accept: str, chosen: Language
) -> None:
    assert choose(asked, cookie, accept, Language.ZH) is chosen


@pytest.mark.parametrize(
    ("host", "label"),
    [
        ("pr-1-x.preview.test", "pr-1-x"),
        ("PR-1-X.PREVIEW.TEST.:9", "pr-1-x"),
        ("x.preview.test:", "x"),
        ("preview.test", None),
        ("-x.preview.test", None),
        ("x.preview.test..", None),
        ("x.preview.test:1:2", None),
        ("x/y.preview.test", None),
        (f"{'x' * 64}.preview.test", None),
        ("ｘ.preview.test", None),
        ("", None),
    ],
)
def test_a_preview_has_one_label(host: str, label: str | None) -> None:
    assert preview_label(host, "Preview.test:8081") == label
