"""Creates the offline base images: a small Python for the demo repository and tests, and servers for tests.

On Debian 12 they are made from apt packages alone, elsewhere from `python:3.11-slim` and `debian:12-slim`.
They have their own names, so that no `python:3.11-slim` on the machine is replaced.
"""

import io
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import docker
import docker.errors
import machine
import rootfs
from machine import SetUpError

LABEL = "dev.gitee-chatops.base"
PYTEST = ("pytest", "iniconfig", "packaging", "pluggy", "pygments")
CHANGES = [
    "ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8",
    f"LABEL {LABEL}=1",
]


@dataclass(frozen=True, slots=True)
class BaseImage:
    """An image and its contents."""

    name: str
    packages: tuple[str, ...]
    python_packages: tuple[str, ...]
    dockerfile: str
    """Used on machines whose apt has no Python 3.11."""
    left_out: tuple[str, ...] = ()
    """Dependencies that nothing in the image uses at run time."""
    accounts: Mapping[str, int] = field(default_factory=dict)
    """Ids of the users that the packages' scripts would create."""
    command: str = 'CMD ["python3"]'


PYTHON = ("python3.11-minimal", "libpython3.11-stdlib", "busybox-static")
PERL = ("libperl5.36", "perl", "perl-modules-5.36")
REDIS = 'CMD ["redis-server", "--bind", "0.0.0.0", "--protected-mode", "no", "--save", ""]'
IMAGES = (
    BaseImage(
        name="chatops-demo-base:3.11",
        packages=PYTHON,
        python_packages=PYTEST,
        dockerfile="FROM python:3.11-slim\nRUN pip install --no-cache-dir pytest\n",
    ),
    BaseImage(
        name="chatops-demo/redis:7",
        packages=("redis-server", "busybox-static"),
        python_packages=(),
        dockerfile=f"FROM redis:7\n{REDIS}\n",
        left_out=(*PERL, "adduser", "libdb5.3", "libsemanage-common", "passwd", "procps"),
        command=REDIS,
    ),
    BaseImage(
        name="chatops-bot-base:3.11",
        packages=(*PYTHON, "ca-certificates", "git"),
        python_packages=("pip",),
        dockerfile="FROM python:3.11-slim\n"
        "RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates git"
        " && rm -rf /var/lib/apt/lists/*\n",
    ),
)
SERVER_PACKAGES = (
    *("apache2", "caddy", "lua-socket", "lua5.4", "nginx-light", "nodejs", "openjdk-17-jre-headless"),
    *("passwd", "php8.2-cli", "php8.2-fpm", "postgresql-15", "redis-server", "ruby", "ruby-webrick"),
    *("python3-django", "python3-fastapi", "python3-flask", "python3-psycopg2", "python3-uvicorn"),
)
SERVERS = BaseImage(
    name="chatops-server-base:12",
    packages=(*SERVER_PACKAGES, "busybox-static", "perl-base"),
    python_packages=(),
    dockerfile="FROM debian:12-slim\nRUN apt-get update && apt-get install -y --no-install-recommends"
    f" {' '.join(SERVER_PACKAGES)} busybox-static && rm -rf /var/lib/apt/lists/*"
    " && ln -s busybox /bin/httpd\n",
    # The compiler of PostgreSQL, graphics, translations and what manages the services of a whole machine.
    left_out=(
        *("fonts-dejavu-core", "iproute2", "libc-l10n", "libcups2", "libglib2.0-0", "libharfbuzz0b"),
        *("libjs-jquery", "libllvm14", "libsystemd-shared", "libz3-4", "locales", "mount"),
        *("systemd", "ucf", "usrmerge", "util-linux-extra"),
        *PERL,
    ),
    accounts={"www-data": 33, "redis": 101, "postgres": 102},
)
"""One image with all servers, because they share most of their libraries."""
BROWSER_PACKAGES = ("chromium", "chromium-driver", "python3-selenium")
BROWSER = BaseImage(
    name="chatops-browser-base:12",
    packages=(*BROWSER_PACKAGES, *PYTHON, "coreutils", "util-linux"),
    python_packages=PYTEST,
    dockerfile="FROM debian:12-slim\nRUN apt-get update && apt-get install -y --no-install-recommends"
    f" {' '.join(BROWSER_PACKAGES)} python3-pytest busybox-static && rm -rf /var/lib/apt/lists/*\n",
    # Windows, graphics cards and what manages the services of a whole machine.
    left_out=(
        *("adwaita-icon-theme", "libgl1-mesa-dri", "libgtk-3-0", "libgtk-3-common", "libllvm15"),
        *("libsystemd-shared", "libz3-4", "mount", "procps", "shared-mime-info", "systemd", "udev"),
        *("usrmerge", "x11-utils", "xkb-data"),
        *PERL,
    ),
)
NODE = BaseImage(
    name="chatops-node-base:18",
    packages=("npm", "coreutils", "busybox-static"),
    python_packages=(),
    dockerfile="FROM node:18-slim\n",
    # What builds programs in C, and other tools that no package of a test asks for.
    left_out=(
        *("eslint", "gyp", "handlebars", "libnode-dev", "libpython3.11-minimal", "libpython3.11-stdlib"),
        *("libssl-dev", "libuv1-dev", "node-babel7", "node-core-js", "node-core-js-pure"),
        *("node-es-abstract", "node-types-node", "python3", "python3-minimal", "python3-pkg-resources"),
        *("python3.11", "python3.11-minimal", "webpack"),
    ),
    command='CMD ["node"]',
)
FOR_TESTS = (SERVERS, BROWSER, NODE)


def apt_has_python() -> bool:
    """Return whether apt on this machine has the packages of the images."""
    try:
        found = subprocess.run(["apt-cache", "policy", *PYTHON], check=True, capture_output=True, text=True)
    except (FileNotFoundError, subprocess.CalledProcessError):
        return False
    return found.stdout.count("Candidate: ") - found.stdout.count("Candidate: (none)") == len(PYTHON)


def missing(client: docker.DockerClient, images: Sequence[BaseImage] = IMAGES) -> list[BaseImage]:
    """Return those of the images that the engine does not have yet."""
    tags = {tag for image in client.images.list() for tag in image.tags}
    return [image for image in images if image.name not in tags]


def make(client: docker.DockerClient, image: BaseImage) -> None:
    """Create one image in the engine. Raises SetUpError."""
    try:
        if _apt_has_python(fresh=False) or _apt_has_python(fresh=True):
            _from_packages(client, image)
        else:
            _from_dockerfile(client, image)
    except (docker.errors.APIError, docker.errors.BuildError) as problem:
        raise SetUpError(f"The engine could not build {image.name}: {problem}") from problem


def _apt_has_python(*, fresh: bool) -> bool:
    if fresh and machine.may_install():
        machine.update()
    return apt_has_python()


def _from_packages(client: docker.DockerClient, image: BaseImage) -> None:
    with tempfile.TemporaryDirectory(prefix="chatops-base-") as folder:
        work = Path(folder)
        tar = work / "root.tar"
        debs = _debs(image, work / "debs")
        rootfs.write(tar, debs, image.python_packages, work / "scratch", image.accounts)
        repository, tag = image.name.split(":")
        client.api.import_image_from_file(
            str(tar), repository=repository, tag=tag, changes=[*CHANGES, image.command]
        )
    # On an error the engine answers 200 and puts the message into the stream: check that the image exists.
    client.images.get(image.name)


def _debs(image: BaseImage, folder: Path) -> list[Path]:
    """Download the packages; if that fails, refresh the package lists once, because they may be outdated."""
    try:
        return rootfs.download(image.packages, folder, image.left_out)
    except subprocess.CalledProcessError as problem:
        if not machine.may_install():
            raise SetUpError(f"apt could not fetch packages:\n\n{problem.stderr}") from problem
    machine.update()
    try:
        return rootfs.download(image.packages, folder, image.left_out)
    except subprocess.CalledProcessError as problem:
        raise SetUpError(f"apt could not fetch packages:\n\n{problem.stderr}") from problem


def _from_dockerfile(client: docker.DockerClient, image: BaseImage) -> None:
    client.images.build(
        fileobj=io.BytesIO(image.dockerfile.encode()),
        tag=image.name,
        labels={LABEL: "1"},
        rm=True,
        forcerm=True,
    )
