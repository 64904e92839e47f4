import pytest

from bot.core import sizes


@pytest.mark.parametrize(
    ("text", "expected"),
    [("2048", 2048), ("2k", 2048), ("512m", 512 << 20), ("16MB", 16 << 20), ("1g", 1 << 30), ("3b", 3)],
)
def test_units_are_powers_of_1024(text: str, expected: int) -> None:
    assert sizes.parse(text) == expected


@pytest.mark.parametrize("text", ["", "m", "1.5g", "-1m", "1t", "1 m", "１m", "1mm"])
def test_invalid_sizes_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a size"):
        sizes.parse(text)
