"""Sets up this machine: packages, a Docker Engine, a registry and the offline base images.

`make setup` runs it with the Python of .venv; it can be run any number of times. `--browser` adds what only
tests need (a browser, PostgreSQL, etcd, Spin, more base images …); `--down` stops what an earlier
run started.
"""

import fcntl
import os
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager, nullcontext
from pathlib import Path
from shutil import which

import base_images
import build_limits
import docker
import engine
import image_registry
import machine
import postgresql
from machine import LOG, STATE, SetUpError, step

FONTS = {
    "fonts-dejavu-core": Path("/usr/share/fonts/truetype/dejavu"),
    "fonts-noto-cjk": Path("/usr/share/fonts/opentype/noto"),
}
TO_TEST = {
    "etcd-server": "etcd",
    "busybox-static": "busybox",
    "openssl": "openssl",
    "iproute2": "ip",
    "spin": "spin",
    "build-essential": "cc",
    "pgbouncer": "pgbouncer",
}
"""Debian packages for tests, and the program that each provides."""


@contextmanager
def alone() -> Iterator[None]:
    """Wait until no other setup of this checkout is running."""
    STATE.mkdir(parents=True, exist_ok=True)
    with (STATE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        LOG.write_text("")
        yield


def browser_packages() -> list[str]:
    """Return the Debian packages that must be installed for tests in a real browser."""
    wanted = [] if which("chromium") else ["chromium"]
    if which("apt-get"):
        wanted += [name for name, folder in FONTS.items() if not folder.is_dir()]
    return wanted


def test_packages() -> list[str]:
    """Return the Debian packages that must be installed for tests without a cluster."""
    path = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin"  # which not every account has on its PATH
    return [package for package, program in TO_TEST.items() if not which(program, path=path)]


def get_packages(*, browser: bool) -> None:
    """Install all missing packages with one command."""
    git = [] if which("git") else ["git"]
    registry = image_registry.packages()
    missing = [*git, *engine.packages(), *registry]
    database = postgresql.packages() if browser else []
    missing += [*browser_packages(), *test_packages(), *database] if browser else []
    if not missing:
        return
    with step("Debian packages"):
        with postgresql.no_service() if database and machine.may_install() else nullcontext():
            machine.install(missing)
        for service in {"docker-registry", "pgbouncer"} & set(missing):
            machine.disable_service(service)


def get_base_images(client: docker.DockerClient, *, tests: bool) -> None:
    """Create the base images that the engine does not have, with `tests` also those that only tests need."""
    wanted = (*base_images.IMAGES, *base_images.FOR_TESTS) if tests else base_images.IMAGES
    for image in base_images.missing(client, wanted):
        with step(f"Base image {image.name}"):
            base_images.make(client, image)


def limit_builds(client: docker.DockerClient) -> None:
    """Limit the builds of the engine that setup has started; that of an operator is not touched."""
    with step("Limits of builds"):
        problem = build_limits.apply(client)
    if problem:
        print(f"  Builds have no limits of memory and processes: {problem}", flush=True)


def up(*, browser: bool) -> None:
    """Set up everything. Raises SetUpError."""
    get_packages(browser=browser)
    with step("Docker Engine"):
        client = engine.ensure()
    with closing(client):
        if engine.PROCESS.runs():
            limit_builds(client)
        with step(f"Registry at {image_registry.ADDRESS}"):
            image_registry.ensure()
        get_base_images(client, tests=browser)


def down() -> None:
    """Stop what setup started; an engine or registry that was running before keeps running."""
    for process in (image_registry.PROCESS, engine.PROCESS):
        if process.stop():
            print(f"  {process.name} stopped")


def main(options: list[str]) -> int:
    """Set up or stop, and return the exit status."""
    try:
        with alone():
            if "--down" in options:
                down()
            else:
                up(browser="--browser" in options)
    except SetUpError as problem:
        print(f"\n{problem}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
