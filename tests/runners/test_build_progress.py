import base64
import contextlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.runners.build_failure import BuildFailure
from bot.runners.docker.build_stream import ClassicProgress
from bot.runners.docker.builder import Progress
from bot.runners.docker.buildkit import BuildKitProgress
from bot.runners.docker.wire import MalformedError, fields, status

STREAMS = Path(__file__).parent / "streams"
"""What a real engine (20.10) answered to small builds, with both of its builders."""


def play(progress: Progress, name: str) -> list[str]:
    """Feed a recorded stream and return the log."""
    recorded = (STREAMS / name).read_text().splitlines()
    return [line for message in recorded for line in progress.feed(json.loads(message))]


def test_buildkit_stream_becomes_a_log() -> None:
    progress = BuildKitProgress()

    assert play(progress, "ok.buildkit.jsonl") == [
        "#1 [base 1/2] COPY busybox /bin/busybox",
        "#1 DONE 0.0s",
        '#2 [base 2/2] RUN ["/bin/busybox","--install","-s","/bin"]',
        "#2 DONE 0.2s",
        "#3 [runtime 1/1] RUN echo hello; echo err >&2",
        "#3 err",
        "#3 hello",
        "#3 DONE 0.2s",
    ]
    assert progress.image == "sha256:d19b3ee96a427729d7e04c6603223694213da7cbeabafdde1d923879bb79aae7"
    assert progress.failure is None
    assert progress.leftovers() == ()


def test_classic_stream_becomes_the_same_kind_of_log() -> None:
    progress = ClassicProgress()

    assert play(progress, "ok.classic.jsonl") == [
        "#1 [1/7] FROM scratch AS base",
        "#2 [2/7] COPY busybox /bin/busybox",
        '#3 [3/7] RUN ["/bin/busybox","--install","-s","/bin"]',
        "#4 [4/7] FROM base AS runtime",
        "#5 [5/7] RUN echo hello; echo err >&2",
        "#5 hello",
        "#5 err",
        "#6 [6/7] EXPOSE 8080 9090",
        "#7 [7/7] LABEL chatops.rec=1",
    ]
    assert progress.image == "sha256:183c19afe935a91b6e44fbd932188cefe0bff3f50e2ea5fd91039c7fa354cf7d"
    assert progress.leftovers() == (
        "4578b63dff76",
        "e7ed45424315",
        "c77e3d91c568",
        "846f9942e4ca",
    )


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
            "fail.classic.jsonl",
            BuildFailure(
                "The command '/bin/sh -c echo before; echo bad >&2; exit 3' returned a non-zero code: 3",
                "RUN echo before; echo bad >&2; exit 3",
                ("before", "bad"),
            ),
        ),
        (
            "copy.buildkit.jsonl",
            BuildFailure('failed to compute cache key: "/nope" not found: not found', "COPY nope /x"),
        ),
        (
            "copy.classic.jsonl",
            BuildFailure(
                "COPY failed: file not found in build context or excluded by .dockerignore:"
                " stat nope: file does not exist",
                "COPY nope /x",
            ),
        ),
        (
            "unreachable_base.classic.jsonl",
            BuildFailure(
                'Get "http://127.0.0.1:5999/v2/": dial tcp 127.0.0.1:5999: connect: connection refused',
                "FROM 127.0.0.1:5999/foo/bar:1",
                image="127.0.0.1:5999/foo/bar:1",
            ),
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
    progress: Progress = BuildKitProgress() if "buildkit" in name else ClassicProgress()

    play(progress, name)

    assert progress.failure == expected


def test_hidden_step_is_shown_when_it_fails() -> None:
    log = play(BuildKitProgress(), "unreachable_base.buildkit.jsonl")

    assert log[0] == "#1 [internal] load metadata for 127.0.0.1:5999/foo/bar:1"
    assert log[1].startswith("#1 ERROR: failed to do request")


def test_what_steps_cached_is_told_once() -> None:
    log = play(BuildKitProgress(), "fail.buildkit.jsonl")

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
def test_wire_format_is_read_back(written: list[tuple[int, int | bytes]]) -> None:
    assert list(fields(b"".join(field(*one) for one in written))) == written


@given(st.binary(max_size=400))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    with contextlib.suppress(MalformedError):
        status(data)


@given(st.binary(max_size=200) | st.text().map(str.encode))
def test_any_trace_is_survived(data: bytes) -> None:
    message = {"id": "moby.buildkit.trace", "aux": base64.b64encode(data).decode()}

    assert isinstance(BuildKitProgress().feed(message), list)
    assert BuildKitProgress().feed({**message, "aux": "no base64!"}) == []


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)


@given(st.fixed_dictionaries({}, optional={"stream": JSON, "aux": JSON, "errorDetail": JSON, "error": JSON}))
def test_any_message_is_survived(message: dict[str, Any]) -> None:
    for progress in (BuildKitProgress(), ClassicProgress()):
        progress.feed(message)


def test_steps_that_run_at_the_same_time_keep_their_output_apart() -> None:
    progress = BuildKitProgress()
    second = field(1, b"two") + field(3, b"[b 1/1] RUN two") + field(5, field(1, 10))
    first = field(1, b"one") + field(3, b"[a 1/1] RUN one") + field(5, field(1, 10))
    halves = (field(1, b"one") + field(4, b"un"), field(1, b"two") + field(4, b"deux\n"))
    rest = field(1, b"one") + field(4, b"finished\n")
    message = b"".join(
        (field(1, first), field(1, second), *(field(3, half) for half in halves), field(3, rest))
    )

    log = progress.feed({"id": "moby.buildkit.trace", "aux": base64.b64encode(message).decode()})

    assert log == ["#1 [a 1/1] RUN one", "#2 [b 1/1] RUN two", "#2 deux", "#1 unfinished"]
