"""The few messages of BuildKit's progress that are read, out of protobuf's wire format.

Field numbers are those of `moby.buildkit.v1.StatusResponse`:
https://github.com/moby/buildkit/blob/master/api/services/control/control.proto
"""

from collections.abc import Iterator
from dataclasses import dataclass

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
VERTEXES, LOGS = 1, 3
MORE = 0x80
LONGEST_VARINT = 10


class MalformedError(ValueError):
    """The bytes are not the message that they should be."""


@dataclass(frozen=True, slots=True)
class Vertex:
    """A step of the build; times are seconds since the epoch."""

    digest: str
    name: str
    cached: bool = False
    started: float | None = None
    completed: float | None = None
    error: str = ""


@dataclass(frozen=True, slots=True)
class Output:
    """Some bytes that a step wrote."""

    vertex: str
    data: bytes


def status(data: bytes) -> tuple[list[Vertex], list[Output]]:
    """Read a StatusResponse; raises MalformedError."""
    vertexes, outputs = [], []
    for number, value in fields(data):
        if number == VERTEXES:
            vertexes.append(_vertex(_bytes(value)))
        elif number == LOGS:
            outputs.append(_output(_bytes(value)))
    return vertexes, outputs


def fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Give each field's number and value: an integer, or bytes; raises MalformedError."""
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        number, kind = key >> 3, key & 7
        value: int | bytes
        if kind == VARINT:
            value, at = _varint(data, at)
        else:
            length, at = _length(data, at, kind)
            value = data[at : at + length]
            if len(value) != length:
                raise MalformedError("a field ends after its message")
            at += length
        yield number, value


def _length(data: bytes, at: int, kind: int) -> tuple[int, int]:
    if kind == BYTES:
        return _varint(data, at)
    if kind in {FIXED64, FIXED32}:
        return (8 if kind == FIXED64 else 4), at
    raise MalformedError(f"unknown wire type {kind}")


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for shift, byte in enumerate(data[at : at + LONGEST_VARINT]):
        value |= (byte & 0x7F) << (7 * shift)
        if byte < MORE:
            return value, at + shift + 1
    raise MalformedError("a number does not end")


def _vertex(data: bytes) -> Vertex:
    found = dict(fields(data))
    return Vertex(
        digest=_text(found.get(1, b"")),
        name=_text(found.get(3, b"")),
        cached=bool(found.get(4, 0)),
        started=_time(found.get(5)),
        completed=_time(found.get(6)),
        error=_text(found.get(7, b"")),
    )


def _output(data: bytes) -> Output:
    found = dict(fields(data))
    return Output(_text(found.get(1, b"")), _bytes(found.get(4, b"")))


def _time(value: int | bytes | None) -> float | None:
    if value is None:
        return None
    found = dict(fields(_bytes(value)))
    return _number(found.get(1, 0)) + _number(found.get(2, 0)) / 1e9


def _text(value: int | bytes) -> str:
    return _bytes(value).decode("utf-8", "replace")


def _bytes(value: int | bytes) -> bytes:
    if isinstance(value, int):
        raise MalformedError("bytes expected")
    return value


def _number(value: int | bytes) -> int:
    if isinstance(value, bytes):
        raise MalformedError("a number expected")
    return value
