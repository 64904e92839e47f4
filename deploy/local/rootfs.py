"""Creates a root file system from Debian packages, as one tar file, without root and without an engine.

Packages are downloaded with their dependencies and merged while they are read: no package script runs, and
nothing is installed.
"""

import io
import subprocess
import tarfile
from collections.abc import Collection, Iterable, Mapping, Sequence
from importlib.metadata import distribution
from pathlib import Path

# Needed only by package scripts, manuals and git's Perl tools; together they would double the image's size.
LEFT_OUT = frozenset(
    {"debconf", "dpkg", "gcc-12-base", "git-man", "liberror-perl", "openssl", "perl-base", "tar"}
)
DOCUMENTATION = tuple(f"usr/share/{name}/" for name in ("doc", "man", "locale", "lintian", "info"))
PASSWD = b"root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/nonexistent:/bin/false\n"
GROUP = b"root:x:0:\nnogroup:x:65534:\n"
CERTIFICATES = "usr/share/ca-certificates/"
SITE_PACKAGES = "usr/local/lib/python3.11/dist-packages"


def download(packages: Sequence[str], folder: Path, left_out: Collection[str] = ()) -> list[Path]:
    """Download packages and all their dependencies into a folder, including those installed on this machine.

    Those of `left_out` are not returned. Raises CalledProcessError with apt's output if a package is
    unavailable.
    """
    (folder / "partial").mkdir(parents=True, exist_ok=True)
    nothing_installed = folder / "status"
    nothing_installed.touch()
    subprocess.run(
        [
            "apt-get", "-qq", "-y", "--download-only", "--no-install-recommends",
            "-o", "Debug::NoLocking=1",
            "-o", "APT::Sandbox::User=",
            "-o", f"Dir::State::status={nothing_installed}",
            "-o", f"Dir::Cache::archives={folder}",
            "install", *packages,
        ],
        check=True, capture_output=True, text=True, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    omitted = (LEFT_OUT | set(left_out)) - set(packages)
    return sorted(deb for deb in folder.glob("*.deb") if deb.name.split("_")[0] not in omitted)


class RootFs:
    """Writes one tar file from many sources; the first source of a path wins."""

    def __init__(self, out: tarfile.TarFile) -> None:
        self._out = out
        self._paths: set[str] = set()
        self._certificates: list[bytes] = []

    def _new(self, path: str) -> bool:
        if path in self._paths:
            return False
        self._paths.add(path)
        return True

    def package(self, deb: Path) -> None:
        """Add the files of a package except its manuals."""
        command = ["dpkg-deb", "--fsys-tarfile", str(deb)]
        with (
            subprocess.Popen(command, stdout=subprocess.PIPE) as process,
            tarfile.open(fileobj=process.stdout, mode="r|") as files,
        ):
            for member in files:
                self._member(files, member)
        if process.returncode:
            raise subprocess.CalledProcessError(process.returncode, command)

    def _member(self, files: tarfile.TarFile, member: tarfile.TarInfo) -> None:
        path = member.name.removeprefix("./")
        if path in {"", "."} or path.startswith(DOCUMENTATION) or not self._new(path):
            return
        member.name = path
        member.linkname = member.linkname.removeprefix("./") if member.islnk() else member.linkname
        content = files.extractfile(member) if member.isreg() else None
        if content is not None and path.startswith(CERTIFICATES):
            data = content.read()
            self._certificates.append(data)
            content = io.BytesIO(data)
        self._out.addfile(member, content)

    def file(self, path: str, content: bytes, mode: int = 0o644) -> None:
        """Add a file with this content."""
        if self._new(path):
            member = tarfile.TarInfo(path)
            member.size, member.mode = len(content), mode
            self._out.addfile(member, io.BytesIO(content))

    def folder(self, path: str, mode: int = 0o755) -> None:
        """Add an empty folder."""
        if self._new(path):
            member = tarfile.TarInfo(path)
            member.type, member.mode = tarfile.DIRTYPE, mode
            self._out.addfile(member)

    def link(self, path: str, target: str) -> None:
        """Add a symbolic link."""
        if self._new(path):
            member = tarfile.TarInfo(path)
            member.type, member.linkname = tarfile.SYMTYPE, target
            self._out.addfile(member)

    def python_package(self, name: str) -> None:
        """Copy a pure Python package from this environment, where pip has checked its hash."""
        for source in distribution(name).files or ():
            inside = ".." not in source.parts and "__pycache__" not in source.parts
            if inside and source.name not in {"direct_url.json", "RECORD"}:
                self.file(f"{SITE_PACKAGES}/{source.as_posix()}", Path(source.locate()).read_bytes())

    def foundations(self, applets: Iterable[str], accounts: Mapping[str, int] | None = None) -> None:
        """Add what package scripts would create: accounts, /tmp, shell commands, CA certificates.

        `accounts` are the ids of users besides root and nobody, each with a group of the same name and id.
        """
        self.folder("tmp", 0o1777)
        self.folder("root", 0o700)
        for path in ("dev", "proc", "sys", "run", "home", "var/tmp"):
            self.folder(path)
        self.link("var/run", "/run")
        more = (accounts or {}).items()
        users = "".join(f"{name}:x:{number}:{number}::/nonexistent:/bin/false\n" for name, number in more)
        groups = "".join(f"{name}:x:{number}:\n" for name, number in more)
        self.file("etc/passwd", PASSWD + users.encode())
        self.file("etc/group", GROUP + groups.encode())
        self.file("etc/nsswitch.conf", b"passwd: files\ngroup: files\nhosts: files dns\n")
        for applet in applets:
            self.link(f"bin/{applet}", "busybox")
        for name in ("python", "python3", "python3.11"):
            self.link(f"usr/local/bin/{name}", "/usr/bin/python3.11")
        if self._certificates:
            bundle = "etc/ssl/certs/ca-certificates.crt"
            self.file(bundle, b"".join(self._certificates))
            # Debian's OpenSSL, and therefore Python, reads this path.
            self.link("usr/lib/ssl/cert.pem", f"/{bundle}")


def shell_commands(debs: Iterable[Path], scratch: Path) -> list[str]:
    """Return the names of the commands that the busybox of the packages provides."""
    busybox = next(deb for deb in debs if deb.name.startswith("busybox"))
    subprocess.run(["dpkg-deb", "-x", str(busybox), str(scratch)], check=True)
    program = next(path for path in (scratch / "bin/busybox", scratch / "usr/bin/busybox") if path.exists())
    listed = subprocess.run([program, "--list"], check=True, capture_output=True, text=True)
    return [name for name in listed.stdout.split() if name != "busybox"]


def write(
    tar: Path,
    debs: Sequence[Path],
    python_packages: Iterable[str],
    scratch: Path,
    accounts: Mapping[str, int] | None = None,
) -> None:
    """Write a root file system with these packages and accounts to a tar file."""
    with tarfile.open(tar, "w", format=tarfile.GNU_FORMAT) as out:
        root = RootFs(out)
        for deb in debs:
            root.package(deb)
        root.foundations(shell_commands(debs, scratch), accounts)
        for name in python_packages:
            root.python_package(name)
