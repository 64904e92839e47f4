"""BuildKit's progress, from recorded streams and from generated messages."""

import base64
import contextlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.runners.build_failure import BuildFailure
from bot.runners.docker.build_messages import BuildMessages
from bot.runners.docker.protobuf import WireMessage, decode

STREAMS = Path(__file__).parent / "streams"
"""Answers of a real engine (20.10) to small builds."""


def play(messages: BuildMessages, name: str) -> list[str]:
    """Feed a recorded stream and return the log."""
    recorded = (STREAMS / name).read_text().splitlines()
    return [line for message in recorded for line in messages.feed(json.loads(message))]


def test_buildkit_stream_becomes_a_log() -> None:
    messages = BuildMessages()

    assert play(messages, "ok.buildkit.jsonl") == [
        "#1 [base 1/2] COPY busybox /bin/busybox",
        "#1 DONE 0.0s",
        '#2 [base 2/2] RUN ["/bin/busybox","--install","-s","/bin"]',
        "#2 DONE 0.2s",
        "#3 [runtime 1/1] RUN echo hello; echo err >&2",
        "#3 err",
        "#3 hello",
        "#3 DONE 0.2s",
    ]
    assert messages.image == "sha256:d19b3ee96a427729d7e04c6603223694213da7cbeabafdde1d923879bb79aae7"
    assert messages.failure is None


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (
            "fail.buildkit.jsonl",
            BuildFailure(
                "executor failed running [/bin/sh -c echo before; echo bad >&2; exit 3]: exit code: 3",
                "RUN echo before; echo bad >&2; exit 3",
                ("bad", "before"),
            ),
        ),
        (
            "copy.buildkit.jsonl",
            BuildFailure('failed to compute cache key: "/nope" not found: not found', "COPY nope /x"),
        ),
        (
            "syntax.buildkit.jsonl",
            BuildFailure(
                "failed to solve with frontend dockerfile.v0: failed to create LLB definition: "
                "dockerfile parse error line 2: unknown instruction: FOO"
            ),
        ),
    ],
)
def test_failures_name_their_step_and_its_last_lines(name: str, expected: BuildFailure) -> None:
    messages = BuildMessages()

    play(messages, name)

    assert messages.failure == expected


def test_hidden_step_is_shown_when_it_fails() -> None:
    log = play(BuildMessages(), "unreachable_base.buildkit.jsonl")

    assert log[0] == "#1 [internal] load metadata for 127.0.0.1:5999/foo/bar:1"
    assert log[1].startswith("#1 ERROR: failed to do request")


def test_cached_steps_are_logged_once() -> None:
    log = play(BuildMessages(), "fail.buildkit.jsonl")

    assert log.count("#1 CACHED") == 1
    assert "#2 CACHED" in log


def varint(value: int) -> bytes:
    """Write a number as protobuf does."""
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def field(number: int, value: int | bytes) -> bytes:
    """Write a field as protobuf does."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value


VALUES = st.integers(0, 2**63) | st.binary(max_size=300)


@given(st.lists(st.tuples(st.integers(1, 1000), VALUES)))
def test_fields_are_decoded_as_they_were_written(written: list[tuple[int, int | bytes]]) -> None:
    expected = WireMessage()
    for number, value in written:
        if isinstance(value, int):
            expected.numbers[number] = value
        else:
            expected.parts.setdefault(number, []).append(value)

    assert decode(b"".join(field(*one) for one in written)) == expected


def test_fields_of_fixed_length_are_skipped() -> None:
    data = varint(1 << 3 | 1) + bytes(8) + varint(2 << 3 | 5) + bytes(4) + field(3, 7)

    assert decode(data).numbers == {3: 7}


@given(st.binary(max_size=400))
def test_any_bytes_are_decoded_or_refused(data: bytes) -> None:
    with contextlib.suppress(ValueError):
        decode(data)


@given(st.binary(max_size=200) | st.text().map(str.encode))
def test_any_trace_is_accepted(data: bytes) -> None:
    message = {"id": "moby.buildkit.trace", "aux": base64.b64encode(data).decode()}

    assert isinstance(BuildMessages().feed(message), list)
    assert BuildMessages().feed({**message, "aux": "no base64!"}) == []


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)
IDS = st.sampled_from(["moby.buildkit.trace", "moby.image.id"])


@given(
    st.fixed_dictionaries({}, optional={"id": IDS | JSON, "aux": JSON, "errorDetail": JSON, "error": JSON})
)
def test_any_message_is_accepted(message: dict[str, Any]) -> None:
    assert isinstance(BuildMessages().feed(message), list)


def test_output_of_concurrent_steps_is_not_mixed() -> None:
    first = field(1, b"one") + field(3, b"[a 1/1] RUN one") + field(5, field(1, 10))
    second = field(1, b"two") + field(3, b"[b 1/1] RUN two") + field(5, field(1, 10))
    outputs = (
        field(1, b"one") + field(4, b"un"),
        field(1, b"two") + field(4, b"deux\n"),
        field(1, b"one") + field(4, b"finished\n"),
    )
    status = field(1, first) + field(1, second) + b"".join(field(3, output) for output in outputs)

    log = BuildMessages().feed({"id": "moby.buildkit.trace", "aux": base64.b64encode(status).decode()})

    assert log == ["#1 [a 1/1] RUN one", "#2 [b 1/1] RUN two", "#2 deux", "#1 unfinished"]
