"""The URL of a service, made of its endpoint and what a visitor requests."""

import pytest

from bot.model.environment import Endpoint
from bot.web.previews.forwarding import InvalidTargetError, target_url

pytestmark = pytest.mark.attack


@pytest.mark.parametrize(
    "target", ["@elsewhere.test/", "*", "elsewhere.test:80", "http://elsewhere.test/", ""]
)
def test_a_service_url_is_built_only_from_paths(target: str) -> None:
    with pytest.raises(InvalidTargetError):
        target_url(Endpoint("10.0.0.2", 8000), target)


@pytest.mark.parametrize(
    ("target", "authority"), [("//elsewhere.test/x", "10.0.0.2:8000"), ("/@elsewhere.test", "10.0.0.2:8000")]
)
def test_a_path_cannot_change_the_authority(target: str, authority: str) -> None:
    assert target_url(Endpoint("10.0.0.2", 8000), target).authority == authority


def test_an_ipv6_address_is_bracketed() -> None:
    assert str(target_url(Endpoint("fd00::2", 8000), "/x")) == "http://[fd00::2]:8000/x"
