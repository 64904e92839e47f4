import pytest

from bot.core.deciding.dockerfile import read
from bot.core.deciding.web_port import web_port


@pytest.mark.parametrize(
    ("exposed", "port"),
    [
        ((), None),
        ((9000,), 9000),
        ((9000, 9001), 9000),
        ((2003, 8125, 80), 80),
        ((1935, 8000), 8000),
        ((8000, 3000, 8080), 8080),
        ((5000, 8000), 8000),
        ((443, 80), 80),
        ((443, 9000), 9000),
        ((8443, 443), 8443),
    ],
)
def test_the_usual_port_of_the_web_is_chosen(exposed: tuple[int, ...], port: int | None) -> None:
    assert web_port(exposed) == port


@pytest.mark.parametrize(
    ("text", "port"),
    [
        ("FROM a\nEXPOSE 2003-2004 8125/udp\nEXPOSE 80\n", 80),
        ("FROM a\nEXPOSE 443 9000\n", 9000),
        ("FROM a AS base\nEXPOSE 8080\nFROM base\nEXPOSE 9000\n", 9000),
        ("FROM a AS base\nEXPOSE 9000 3000\nFROM base\nEXPOSE 53/udp\n", 3000),
    ],
)
def test_all_ports_of_a_stage_count(text: str, port: int | None) -> None:
    assert read(text).stages[-1].port == port


def test_a_stage_with_very_many_ports_is_read() -> None:
    text = "FROM a\n" + "EXPOSE 9000 9001\n" * 5_000
    assert read(text).stages[-1].port == 9000
