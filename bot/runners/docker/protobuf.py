"""Protobuf messages, as far as the engine's are needed here. Pure.

Few messages with few fields are exchanged, so this takes less code than the protobuf runtime would.
https://protobuf.dev/programming-guides/encoding/
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

_VARINT, _BYTES = 0, 2
_FIXED = {1: 8, 5: 4}
"""Length in bytes by wire type, for the types that have one."""
_MORE = 0x80
_LONGEST_VARINT = 10


@dataclass(frozen=True, slots=True)
class WireMessage:
    """A protobuf message: its fields by number, separated by what they contain."""

    numbers: dict[int, int] = field(default_factory=dict)
    parts: dict[int, list[bytes]] = field(default_factory=dict)
    """Strings, bytes and inner messages; a repeated field has several."""

    def bytes(self, number: int) -> bytes:
        """Return a field that is not repeated; nothing when it is absent."""
        return self.parts.get(number, [b""])[-1]

    def text(self, number: int) -> str:
        """Return a string; nothing when it is absent."""
        return self.bytes(number).decode("utf-8", "replace")


def decode(data: bytes) -> WireMessage:
    """Decode one message. Raises ValueError for bytes that are none."""
    found, at = WireMessage(), 0
    while at < len(data):
        key, at = _varint(data, at)
        number, kind = key >> 3, key & 7
        if kind == _VARINT:
            found.numbers[number], at = _varint(data, at)
            continue
        if kind != _BYTES and kind not in _FIXED:
            raise ValueError(f"unknown wire type {kind}")
        length, at = _varint(data, at) if kind == _BYTES else (_FIXED[kind], at)
        if at + length > len(data):
            raise ValueError("a field is longer than its message")
        found.parts.setdefault(number, []).append(data[at : at + length])
        at += length
    return found


def encode(fields: Mapping[int, int | bytes]) -> bytes:
    """Encode one message of numbers, strings and bytes, by the numbers of its fields.

    >>> encode({1: b"id", 2: 300}).hex()
    '0a02696410ac02'
    """
    return b"".join(
        _number(number << 3 | _VARINT) + _number(value)
        if isinstance(value, int)
        else _number(number << 3 | _BYTES) + _number(len(value)) + value
        for number, value in fields.items()
    )


def _number(value: int) -> bytes:
    out = bytearray()
    while value >= _MORE:
        out.append(value & 0x7F | _MORE)
        value >>= 7
    return bytes((*out, value))


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """Return the number that begins here, and the index after it."""
    value = 0
    for shift, byte in enumerate(data[at : at + _LONGEST_VARINT]):
        value |= (byte & 0x7F) << (7 * shift)
        if byte < _MORE:
            return value, at + shift + 1
    raise ValueError("a number does not end")
