"""Protobuf messages, encoded and decoded."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.runners.docker.protobuf import decode, encode

NUMBERS = st.integers(1, (1 << 29) - 1)
FIELDS = st.dictionaries(NUMBERS, st.integers(0, (1 << 64) - 1) | st.binary(max_size=300), max_size=8)


@given(FIELDS)
def test_a_message_is_decoded_as_it_was_encoded(fields: dict[int, int | bytes]) -> None:
    found = decode(encode(fields))
    assert found.numbers == {number: value for number, value in fields.items() if isinstance(value, int)}
    assert found.parts == {number: [value] for number, value in fields.items() if isinstance(value, bytes)}


@given(st.binary(max_size=100))
def test_other_bytes_are_a_message_or_an_error(data: bytes) -> None:
    try:
        decode(data)
    except ValueError:
        return


def test_the_example_of_the_documentation() -> None:
    # https://protobuf.dev/programming-guides/encoding/: message Test1 {a: 150}, message Test2 {b: "testing"}
    assert encode({1: 150}).hex() == "089601"
    assert encode({2: b"testing"}).hex() == "120774657374696e67"


@pytest.mark.parametrize("data", [b"\x08", b"\x0a\x05ab", b"\x0b", b"\x08" + b"\x80" * 11])
def test_a_broken_message_is_an_error(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        decode(data)
