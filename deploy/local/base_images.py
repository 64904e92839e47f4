"""Creates the offline base images: a small Python on which the demo repository and the tests build.

On Debian 12 they are made from apt packages alone, elsewhere from `python:3.11-slim`. They have their own
names, so that no `python:3.11-slim` on the machine is replaced.
"""

import io
import subprocess
import tempfile
from dataclasses import dataclass
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
    'CMD ["python3"]',
]


@dataclass(frozen=True, slots=True)
class BaseImage:
    """An image and its contents."""

    name: str
    packages: tuple[str, ...]
    python_packages: tuple[str, ...]
    dockerfile: str
    """Used on machines whose apt has no Python 3.11."""


PYTHON = ("python3.11-minimal", "libpython3.11-stdlib", "busybox-static")
IMAGES = (
    BaseImage(
        name="chatops-demo-base:3.11",
        packages=PYTHON,
        python_packages=PYTEST,
        dockerfile="FROM python:3.11-slim\nRUN pip install --no-cache-dir pytest\n",
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


def apt_has_python() -> bool:
    """Return whether apt on this machine has the packages of the images."""
    try:
        found = subprocess.run(["apt-cache", "policy", *PYTHON], check=True, capture_output=True, text=True)
    except (FileNotFoundError, subprocess.CalledProcessError):
        return False
    return found.stdout.count("Candidate: ") - found.stdout.count("Candidate: (none)") == len(PYTHON)


def missing(client: docker.DockerClient) -> list[BaseImage]:
    """Return the images that the engine does not have yet."""
    tags = {tag for image in client.images.list() for tag in image.tags}
    return [image for image in IMAGES if image.name not in tags]


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
        rootfs.write(tar, _debs(image, work / "debs"), image.python_packages, work / "scratch")
        repository, tag = image.name.split(":")
        client.api.import_image_from_file(str(tar), repository=repository, tag=tag, changes=CHANGES)
    # On an error the engine answers 200 and puts the message into the stream: check that the image exists.
    client.images.get(image.name)


def _debs(image: BaseImage, folder: Path) -> list[Path]:
    """Download the packages; if that fails, refresh the package lists once, because they may be outdated."""
    try:
        return rootfs.download(image.packages, folder)
    except subprocess.CalledProcessError as problem:
        if not machine.may_install():
            raise SetUpError(f"apt could not fetch packages:\n\n{problem.stderr}") from problem
    machine.update()
    try:
        return rootfs.download(image.packages, folder)
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
