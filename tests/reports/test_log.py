import errno
import gc
import logging
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.results.masking import Masker
from bot.reports.folder import LocalAppendFile
from bot.reports.log import StepLog
from bot.reports.stream import Stream

SECRET = "s3cr3t-token"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "runs" / "42" / "build.log"


def streamed(pieces: list[str], *secrets: str) -> str:
    stream = Stream(Masker(secrets))
    return "".join(stream.feed(piece) for piece in pieces) + stream.pending


def test_output_is_readable_at_once_and_persistent(file: Path) -> None:
    log = StepLog(LocalAppendFile(file), Masker([]))

    log.write("Step 1/2 : FROM scratch\n构建")
    assert file.read_text("utf-8") == "Step 1/2 : FROM scratch\n构建"

    log.write("完成\n")
    assert file.read_text("utf-8") == "Step 1/2 : FROM scratch\n构建完成\n"


def test_a_reopened_log_continues(file: Path) -> None:
    StepLog(LocalAppendFile(file), Masker([])).write("first\n")
    StepLog(LocalAppendFile(file), Masker([])).write("second\n")

    assert file.read_text("utf-8") == "first\nsecond\n"


def test_notes_are_separate_lines_and_cannot_be_forged(file: Path) -> None:
    log = StepLog(LocalAppendFile(file), Masker([SECRET]))

    log.write("half a line")
    log.note(f"again in 5 s\n{SECRET} \x1b[31m")
    log.write("▸ again\n")

    assert file.read_text("utf-8") == "half a line\n▸ again in 5 s ***\n▹ again\n"
    assert "again in 5 s" not in log.tail()


def test_the_tail_is_the_last_lines_of_output(file: Path) -> None:
    log = StepLog(LocalAppendFile(file), Masker([SECRET]))
    log.write("".join(f"line {number}\n" for number in range(1000)))
    log.write(f"the end {SECRET} of it, s3cr")

    assert log.tail(2) == "line 999\nthe end *** of it, s3cr"
    assert len(log.tail(10_000).split("\n")) == 401
    assert log.tail(0) == ""


def test_a_progress_bar_needs_limited_memory(file: Path) -> None:
    log = StepLog(LocalAppendFile(file), Masker([]))
    for _ in range(100):
        log.write("#" * 1000)

    assert len(log.tail()) == 2000


@given(st.data())
@settings(deadline=None, max_examples=100)
def test_secrets_are_masked_across_writes(data: st.DataObject) -> None:
    parts = st.sampled_from(
        [SECRET, "s3cr3t", "s3", "ab", "abab-c", "ab-ab", "\n", "x", "\x1b[1m", "\r\n", "构建"]
    )
    text = "".join(data.draw(st.lists(parts, max_size=12)))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=8)))
    pieces = [text[start:end] for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]

    shown = streamed(pieces, SECRET, "abab-c", "ab-abx")

    assert shown == streamed([text], SECRET, "abab-c", "ab-abx")
    assert SECRET not in shown
    assert "abab-c" not in shown


def test_secrets_are_masked_in_their_encoded_forms() -> None:
    assert streamed(["x p%40ss%2Fword x"], "p@ss/word") == "x *** x"
    assert streamed(["Basic cEBzcy93b3Jk="], "p@ss/word") == "Basic ***="
    assert streamed(["-----KEY\nabcdef\n-----"], "-----KEY\nabcdef\n-----") == "***\n***\n***"
    assert streamed(["a b c"], "", "a") == "a b c"


def test_output_without_a_possible_secret_is_shown_at_once(file: Path) -> None:
    log = StepLog(LocalAppendFile(file), Masker([SECRET]))

    log.write("progress: s")
    assert file.read_text("utf-8") == "progress: "

    log.write("o far")
    assert file.read_text("utf-8") == "progress: so far"


@pytest.mark.parametrize(
    ("pieces", "shown"),
    [
        (["\x1b[91mred\x1b[0m"], "red"),
        (["\x1b[9", "1mred\x1b", "[0m"], "red"),
        (["\x1b]0;title\x07x", "\x1b(Bx"], "xx"),
        (["a\r", "\nb\rc"], "a\nb\nc"),
        (["a\x00\x07\u202eb\x9b\ufeff"], "ab"),
        (["tab\tstays"], "tab\tstays"),
        (["\ud800x"], "x"),
    ],
)
def test_control_sequences_are_removed(pieces: list[str], shown: str) -> None:
    assert streamed(pieces) == shown


def test_a_log_over_the_limit_is_cut_with_a_note(file: Path) -> None:
    log = StepLog(LocalAppendFile(file), Masker([]), limit=100)
    log.write("构" * 60)
    log.write("more\n" * 1000)
    log.note("exit code 1")

    text = file.read_text("utf-8")

    assert text.startswith("构" * 33 + "\n▸ ")
    assert text.count("truncated here") == 1
    assert text.endswith("▸ exit code 1\n")
    assert log.tail(1) == "more"


def test_a_cut_log_stays_cut_when_reopened(file: Path) -> None:
    StepLog(LocalAppendFile(file), Masker([]), limit=10).write("x" * 20)
    StepLog(LocalAppendFile(file), Masker([]), limit=10).write("Z" * 20)

    assert "Z" not in file.read_text("utf-8")


def test_the_number_of_notes_is_limited(file: Path) -> None:
    log = StepLog(LocalAppendFile(file), Masker([]), limit=10)
    for _ in range(2000):
        log.note("x" * 100)

    assert file.stat().st_size < 100_000


def test_a_full_disk_loses_lines_and_raises_no_error(
    file: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    log = StepLog(LocalAppendFile(file), Masker([]))

    def full(_descriptor: int, _data: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    log.write("zero")
    with caplog.at_level(logging.ERROR), monkeypatch.context() as disk:
        disk.setattr(os, "write", full)
        log.write("one\n")
        log.write("two\n")
    log.write("three\n")

    assert log.tail() == "zeroone\ntwo\nthree"
    assert len(caplog.records) == 1
    kept = file.read_text("utf-8")
    assert kept == "zero\n▸ 8 bytes of output were lost here: they could not be written\nthree\n"


def test_a_log_file_that_cannot_be_created_loses_lines_and_raises_no_error(
    file: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    log = StepLog(LocalAppendFile(file), Masker([]))

    def full(_path: Path, _flags: int, _mode: int) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    with caplog.at_level(logging.ERROR), monkeypatch.context() as disk:
        disk.setattr(os, "open", full)
        log.write("one\n")
    log.write("two\n")

    assert file.read_text("utf-8").endswith("lost here: they could not be written\ntwo\n")


def test_all_files_are_closed(file: Path) -> None:
    StepLog(LocalAppendFile(file), Masker([])).write("x")
    gc.collect()

    assert not any(link.samefile(file) for link in Path("/proc/self/fd").iterdir() if link.exists())
