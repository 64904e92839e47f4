"""A root file system from packages: what it contains, what it omits, and what is added."""

import io
import subprocess
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import rootfs

Package = Callable[..., Path]
Written = Callable[[Callable[[rootfs.RootFs], None]], tarfile.TarFile]


@pytest.fixture
def package(tmp_path: Path) -> Package:
    """Return a function that builds a real Debian package with the given files."""

    def make(name: str, **files: str) -> Path:
        folder = tmp_path / name
        (folder / "DEBIAN").mkdir(parents=True)
        (folder / "DEBIAN/control").write_text(
            f"Package: {name}\nVersion: 1\nArchitecture: all\nMaintainer: Nobody <nobody@example.com>\n"
            "Description: sample\n"
        )
        for path, content in files.items():
            target = folder / path.replace("__", "/")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(content)
        deb = tmp_path / f"{name}_1_all.deb"
        subprocess.run(  # noqa: S603 - constant arguments
            ["dpkg-deb", "--root-owner-group", "--build", str(folder), str(deb)],  # noqa: S607 - Debian's
            check=True,
            stdout=subprocess.DEVNULL,
        )
        return deb

    return make


@pytest.fixture
def written() -> Iterator[Written]:
    """Return a function that fills a root file system and opens it for reading."""
    opened: list[tarfile.TarFile] = []

    def fill(action: Callable[[rootfs.RootFs], None]) -> tarfile.TarFile:
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as out:
            action(rootfs.RootFs(out))
        buffer.seek(0)
        opened.append(tarfile.open(fileobj=buffer))  # noqa: SIM115 - closed below
        return opened[-1]

    yield fill
    for tar in opened:
        tar.close()


def content(tar: tarfile.TarFile, path: str) -> str:
    file = tar.extractfile(path)
    assert file is not None
    return file.read().decode()


def test_manuals_are_omitted_and_files_belong_to_root(package: Package, written: Written) -> None:
    deb = package(
        "sample", usr__bin__tool="tool", usr__share__doc__sample="words", usr__share__man__x="words"
    )
    tar = written(lambda root: root.package(deb))
    files = [member for member in tar if member.isreg()]
    assert [(member.name, member.uid, member.gid) for member in files] == [("usr/bin/tool", 0, 0)]


def test_the_first_source_of_a_path_wins_and_no_path_is_written_twice(
    package: Package, written: Written
) -> None:
    one, two = package("one", etc__name="one"), package("two", etc__name="two")

    def both(root: rootfs.RootFs) -> None:
        root.package(one)
        root.package(two)

    tar = written(both)
    assert content(tar, "etc/name") == "one"
    assert len(tar.getnames()) == len(set(tar.getnames()))


def test_ca_certificates_are_joined_into_the_file_that_openssl_reads(
    package: Package, written: Written
) -> None:
    folder = "usr/share/ca-certificates"
    deb = package("authorities", **{f"{folder}/a.crt": "A\n", f"{folder}/b.crt": "B\n"})

    def fill(root: rootfs.RootFs) -> None:
        root.package(deb)
        root.foundations([])

    tar = written(fill)
    assert sorted(content(tar, "etc/ssl/certs/ca-certificates.crt").split()) == ["A", "B"]
    assert tar.getmember("usr/lib/ssl/cert.pem").linkname == "/etc/ssl/certs/ca-certificates.crt"


def test_results_of_package_scripts_are_added(written: Written) -> None:
    tar = written(lambda root: root.foundations(["sh", "ls"]))
    assert tar.getmember("bin/sh").linkname == "busybox"
    assert tar.getmember("usr/local/bin/python3").linkname == "/usr/bin/python3.11"
    assert tar.getmember("tmp").mode == 0o1777
    assert content(tar, "etc/passwd").startswith("root:x:0:0:")
    assert "usr/lib/ssl/cert.pem" not in tar.getnames()


def test_accounts_of_packages_have_a_group_of_their_name(written: Written) -> None:
    tar = written(lambda root: root.foundations([], {"www-data": 33}))
    assert "\nwww-data:x:33:33:" in content(tar, "etc/passwd")
    assert "\nwww-data:x:33:\n" in content(tar, "etc/group")


def test_dependencies_can_be_left_out_unless_they_are_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("server", "compiler", "debconf", "tar"):
        (tmp_path / f"{name}_1_all.deb").touch()
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: None)
    found = rootfs.download(["server", "tar"], tmp_path, ["compiler"])
    assert [deb.name for deb in found] == ["server_1_all.deb", "tar_1_all.deb"]


def test_a_python_package_is_copied_without_traces_of_this_machine(written: Written) -> None:
    tar = written(lambda root: root.python_package("pytest"))
    names = [name.removeprefix(f"{rootfs.SITE_PACKAGES}/") for name in tar.getnames()]
    assert "pytest/__init__.py" in names
    assert not [name for name in names if ".." in name or "__pycache__" in name or name.endswith("RECORD")]


def test_a_broken_package_is_an_error(tmp_path: Path, written: Written) -> None:
    broken = tmp_path / "broken_1_all.deb"
    broken.write_bytes(b"no package")
    with pytest.raises((subprocess.CalledProcessError, tarfile.ReadError)):
        written(lambda root: root.package(broken))
