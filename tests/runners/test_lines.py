import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.results.masking import Masker
from bot.runners.docker.containers import Frames
from bot.runners.lines import LINE_LIMIT, Lines, LogWriter, clean
from tests.fakes.log import FakeLog

CHUNKS = st.lists(st.binary(max_size=40) | st.sampled_from([b"\n", b"\r\n", "字".encode(), b"\x1b[1m"]))


@given(CHUNKS)
def test_lines_do_not_depend_on_chunks(chunks: list[bytes]) -> None:
    apart, together = Lines(), Lines()

    by_pieces = [line for chunk in chunks for line in apart.feed(chunk)] + apart.flush()

    assert by_pieces == together.feed(b"".join(chunks)) + together.flush()


@given(st.text())
def test_terminal_control_sequences_are_removed(text: str) -> None:
    shown = clean(text)

    assert not re.search(r"[\x00-\x08\x0a-\x1f\x7f-\x9f]", shown)
    assert len(shown) <= LINE_LIMIT


@given(st.lists(st.text(st.sampled_from("a字 \t\r\x1b[]0;m\x07\x00\x9b\u2028"))))
def test_lines_that_come_together_are_cleaned_as_each_alone(texts: list[str]) -> None:
    together = Lines().feed("".join(f"{text}\n" for text in texts).encode())

    assert together == [clean(text) for text in texts]


def test_colors_and_redrawn_progress_are_removed() -> None:
    lines = Lines()

    assert lines.feed(b"\x1b[91mred\x1b[0m \x1b]0;title\x07\r\n10%\r50%\rdone\nok\t1\n") == [
        "red",
        "done",
        "ok\t1",
    ]


def test_an_endless_line_needs_limited_memory() -> None:
    lines = Lines()
    for _ in range(50):
        assert lines.feed(b"x" * 100_000) == []

    assert len(lines._rest) < 10_000
    (cut,) = lines.feed(b"\n")
    assert len(cut) == LINE_LIMIT
    assert cut.endswith("…")


@pytest.mark.attack
@pytest.mark.parametrize("secret", ["s3cr3t-pass", "S" + "ecret" * 50])
@pytest.mark.parametrize("at", [LINE_LIMIT - 260, LINE_LIMIT - 5, LINE_LIMIT - 1])
def test_a_line_is_not_cut_within_a_secret(secret: str, at: int) -> None:
    (line,) = Lines().feed(f"{'x' * at} {secret} {'y' * LINE_LIMIT}\n".encode())

    assert line.endswith("…")
    assert secret[:4] not in Masker([secret]).mask(line)


def test_an_endless_progress_bar_shows_its_last_state() -> None:
    lines = Lines()
    for percent in range(10_000):
        lines.feed(f"\r{percent}".encode())

    assert lines.feed(b"\n") == ["9999"]


def test_writing_stops_at_the_limit_but_the_end_is_remembered() -> None:
    log = FakeLog()
    writer = LogWriter(log, limit=10, remembered=2)

    writer.lines(["12345", "67890", "never written", "the end"])

    assert log.text == "12345\n67890\n"
    assert log.notes == ["too much output: the rest is not stored"]
    assert list(writer.tail) == ["never written", "the end"]


@given(st.lists(st.tuples(st.sampled_from([1, 2]), st.binary(max_size=50))), st.integers(1, 20))
def test_streams_are_split_across_chunks(written: list[tuple[int, bytes]], size: int) -> None:
    wire = b"".join(
        bytes([stream, 0, 0, 0]) + len(data).to_bytes(4, "big") + data for stream, data in written
    )
    frames = Frames()

    found = [one for at in range(0, len(wire), size) for one in frames.feed(wire[at : at + size])]

    for stream in (1, 2):
        expected = b"".join(data for number, data in written if number == stream)
        assert b"".join(data for number, data in found if number == stream) == expected
