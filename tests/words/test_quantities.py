import pytest

from bot.model.text import Language
from bot.words.quantities import duration, size


@pytest.mark.parametrize(
    ("seconds", "en", "zh"),
    [
        (-1, "0 ms", "0 毫秒"),
        (0, "0 ms", "0 毫秒"),
        (0.04, "40 ms", "40 毫秒"),
        (0.1, "0.1 s", "0.1 秒"),
        (0.9996, "1 s", "1 秒"),
        (4.25, "4.2 s", "4.2 秒"),
        (9.94, "9.9 s", "9.9 秒"),
        (9.96, "10 s", "10 秒"),
        (59.4, "59 s", "59 秒"),
        (59.6, "1 min", "1 分钟"),
        (65, "1 min 5 s", "1 分 5 秒"),
        (3599.9, "1 h", "1 小时"),
        (7380, "2 h 3 min", "2 小时 3 分"),
        (259_200, "3 d", "3 天"),
        (90_061, "1 d 1 h", "1 天 1 小时"),
    ],
)
def test_durations(seconds: float, en: str, zh: str) -> None:
    assert duration(seconds, Language.EN) == en
    assert duration(seconds, Language.ZH) == zh


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1500, "1.5 kB"),
        (46_000_000, "46 MB"),
        (46_212_331, "46.2 MB"),
        (120_400_000, "120 MB"),
        (999_600_000, "1 GB"),
        (3 * 10**15, "3000 TB"),
    ],
)
def test_sizes(count: int, words: str) -> None:
    assert size(count) == words
