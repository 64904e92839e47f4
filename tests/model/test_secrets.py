import pytest

from bot.model.secrets import ClusterKey


def test_a_key_of_a_cluster_is_written_as_it_is_read() -> None:
    key = ClusterKey("shop", "database", "password")

    assert str(key) == "shop/database/password"
    assert ClusterKey.parse(str(key)) == key


@pytest.mark.parametrize("text", ["", "shop/database", "shop/database/password/more"])
def test_a_key_has_three_parts(text: str) -> None:
    with pytest.raises(ValueError, match="unpack"):
        ClusterKey.parse(text)
