import io
import tarfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.runners import collect
from bot.runners.collect import report_files


def archive(*members: tuple[str, bytes] | tarfile.TarInfo) -> io.BytesIO:
    """Return a tar with these files and other members."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for one in members:
            if isinstance(one, tarfile.TarInfo):
                tar.addfile(one)
                continue
            member = tarfile.TarInfo(one[0])
            member.size = len(one[1])
            tar.addfile(member, io.BytesIO(one[1]))
    out.seek(0)
    return out


def special(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    """Return a tar member that is not a regular file."""
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, target
    return member


def test_report_files_have_paths_relative_to_the_folder() -> None:
    found = report_files(
        archive(
            special("reports", tarfile.DIRTYPE),
            ("reports/a.xml", b"1"),
            ("reports/deep/er/B.XML", b"2"),
            ("reports/results.TRX", b"5"),
            ("reports/notes.txt", b"3"),
            ("reports/xml", b"4"),
        )
    )

    assert found == {"a.xml": b"1", "deep/er/B.XML": b"2", "results.TRX": b"5"}


def test_html_pages_have_separate_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collect, "PAGES_LIMIT", 5)
    monkeypatch.setattr(collect, "PAGES_COUNT", 2)
    pages = [("r/a.html", b"111"), ("r/big.html", b"222"), ("r/b.HTML", b"3"), ("r/more.html", b"4")]

    found = report_files(archive(*pages, ("r/../x.html", b""), ("r/z.xml", b"5")))

    assert found == {"a.html": b"111", "b.HTML": b"3", "z.xml": b"5"}


def test_single_file_keeps_its_name() -> None:
    assert report_files(archive(("junit.xml", b"1"))) == {"junit.xml": b"1"}


@pytest.mark.parametrize(
    "member",
    [
        ("../escape.xml", b""),
        ("reports/../../escape.xml", b""),
        ("/etc/cron.d/x.xml", b""),
        ("reports/line\nbreak.xml", b""),
        ("reports/" + "a" * 300 + ".xml", b""),
        special("reports/link.xml", tarfile.SYMTYPE, "/etc/passwd"),
        special("reports/hard.xml", tarfile.LNKTYPE, "reports/good.xml"),
        special("reports/pipe.xml", tarfile.FIFOTYPE),
        special("reports/device.xml", tarfile.CHRTYPE),
        special("reports/folder.xml", tarfile.DIRTYPE),
    ],
)
def test_unsafe_members_are_skipped(member: tuple[str, bytes] | tarfile.TarInfo) -> None:
    found = report_files(archive(("reports/good.xml", b"1"), member, ("reports/also.xml", b"2")))

    assert found == {"good.xml": b"1", "also.xml": b"2"}


def test_size_total_and_count_are_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    files = [(f"r/{index}.xml", b"x" * 10) for index in range(9)]

    monkeypatch.setattr(collect, "TOTAL_LIMIT", 35)
    assert len(report_files(archive(*files))) == 3
    monkeypatch.setattr(collect, "COUNT_LIMIT", 2)
    assert len(report_files(archive(*files))) == 2
    monkeypatch.setattr(collect, "MEMBER_LIMIT", 1)
    assert len(report_files(archive(*files))) == 1
    monkeypatch.setattr(collect, "FILE_LIMIT", 9)
    assert report_files(archive(*files)) == {}


def test_a_truncated_archive_yields_its_readable_files() -> None:
    whole = archive(("r/a.xml", b"1" * 600), ("r/b.xml", b"2" * 600)).getvalue()

    assert report_files(io.BytesIO(whole[:2_000])) == {"a.xml": b"1" * 600}


@given(st.binary(max_size=2_000))
def test_any_bytes_are_accepted(data: bytes) -> None:
    assert report_files(io.BytesIO(data)) == {}


def test_the_full_size_of_a_sparse_file_counts() -> None:
    member = tarfile.TarInfo("r/a.xml")
    member.size = 8 << 40
    head = member.tobuf(tarfile.GNU_FORMAT)

    assert report_files(io.BytesIO(head + b"\0" * 10_240)) == {}
