"""The log that the collector writes with a real shell, and how it is read."""

import base64
import gzip
import io
import subprocess
import tarfile
from pathlib import Path

from bot.runners.kubernetes.options import KubernetesOptions
from bot.runners.kubernetes.suite_job import BEGIN, END, job
from bot.runners.kubernetes.suite_logs import unpacked
from tests.runners.kubernetes_samples import suite_of


def log_of(files: dict[str, bytes], end: str = END) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(f"chatops-reports/{name}")
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    packed = base64.encodebytes(gzip.compress(buffer.getvalue()))
    return f"noise\n{BEGIN}\n".encode() + packed + f"{end}\n".encode()


def packed(log: bytes) -> bytes:
    return base64.b64decode(log.partition(f"{BEGIN}\n".encode())[2].partition(END.encode())[0])


def test_a_log_becomes_files() -> None:
    files = {"a.xml": b"<testsuite/>", "deep/b.xml": b"<x/>", "c.txt": b"no"}

    assert unpacked(log_of(files)) == {"a.xml": b"<testsuite/>", "deep/b.xml": b"<x/>"}


def test_a_truncated_or_forged_log_yields_its_readable_files() -> None:
    whole = log_of({"a.xml": b"<a/>" * 100, "b.xml": bytes(range(256)) * 4000})

    assert unpacked(b"") == {}
    assert unpacked(f"{BEGIN}\nno base64!\n{END}".encode()) == {}
    assert unpacked(f"{BEGIN}\n{base64.b64encode(b'no gzip').decode()}\n{END}".encode()) == {}
    assert unpacked(log_of({"a.xml": b"<a/>"}, end="")) == {"a.xml": b"<a/>"}
    assert "b.xml" not in unpacked(whole[: len(whole) // 2])


def test_a_decompression_bomb_is_read_up_to_the_limit() -> None:
    files = {f"{number}.xml": bytes(15 << 20) for number in range(12)}

    assert sum(map(len, unpacked(log_of(files)).values())) <= 64 << 20


def test_the_collectors_script_outputs_xml_and_html_files(tmp_path: Path) -> None:
    reports = tmp_path / "chatops-reports"
    (reports / "deep").mkdir(parents=True)
    (reports / "deep" / "b c.XML").write_text("<x/>")
    (reports / "page.html").write_text("<p>")
    (reports / "notes.txt").write_text("no")
    container = job(suite_of(), KubernetesOptions("bot"), {})["spec"]["template"]["spec"]["containers"][1]
    script = container["command"][2].replace("$$", "$")
    _, collecting = script.split("done\ncd /\n")

    output = subprocess.run(["/bin/sh", "-c", collecting], cwd=tmp_path, capture_output=True, check=True)  # noqa: S603

    assert unpacked(output.stdout) == {"deep/b c.XML": b"<x/>", "page.html": b"<p>"}
    with tarfile.open(fileobj=io.BytesIO(gzip.decompress(packed(output.stdout)))) as written:
        assert written.getnames()[0].endswith("b c.XML")


def test_without_a_report_no_files_are_read(tmp_path: Path) -> None:
    (tmp_path / "chatops-reports").mkdir()
    script = job(suite_of(), KubernetesOptions("bot"), {})["spec"]["template"]["spec"]["containers"][1][
        "command"
    ][2]
    _, collecting = script.replace("$$", "$").split("done\ncd /\n")

    output = subprocess.run(["/bin/sh", "-c", collecting], cwd=tmp_path, capture_output=True, check=True)  # noqa: S603

    assert output.stdout.decode().split() == [BEGIN, END]
    assert unpacked(output.stdout) == {}
