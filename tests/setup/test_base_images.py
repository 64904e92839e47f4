"""The offline base images in the engine: complete, small, and with their own names."""

import contextlib
import dataclasses
import subprocess
import uuid
from pathlib import Path

import base_images
import docker
import docker.errors
import machine
import pytest
import rootfs
from base_images import FOR_TESTS, IMAGES, BaseImage
from machine import SetUpError

from tests.real.fixtures import sdk

__all__ = ["sdk"]

DEMO_BASE, _, BOT_BASE = IMAGES


def ask(sdk: docker.DockerClient, image: BaseImage, program: str) -> str:
    output: bytes = sdk.containers.run(
        image.name,
        ["python3", "-c", program],
        remove=True,
        network_mode="none",
        read_only=True,
        cap_drop=["ALL"],
        user="10001",
    )
    return output.decode().strip()


def test_no_python_image_is_replaced() -> None:
    assert all(image.name.startswith("chatops-") for image in (*IMAGES, *FOR_TESTS))


@pytest.mark.docker
def test_setup_created_all_images(sdk: docker.DockerClient) -> None:
    assert base_images.missing(sdk, (*IMAGES, *FOR_TESTS)) == []


@pytest.mark.docker
@pytest.mark.parametrize("image", [DEMO_BASE, BOT_BASE], ids=lambda image: image.name)
def test_python_has_the_modules_that_need_libraries(sdk: docker.DockerClient, image: BaseImage) -> None:
    program = "import bz2, ctypes, lzma, sqlite3, ssl, uuid, venv, zlib; print('all')"
    assert ask(sdk, image, program) == "all"


@pytest.mark.docker
@pytest.mark.parametrize(
    ("image", "command", "answer"),
    [
        (DEMO_BASE, "sh -c 'echo shell'", "shell"),
        (DEMO_BASE, "python3 -m pytest --version", "pytest "),
        (BOT_BASE, "git --version", "git version"),
        (BOT_BASE, "python3 -m pip --version", "pip "),
    ],
    ids=str,
)
def test_images_contain_the_commands_that_builds_need(
    sdk: docker.DockerClient, image: BaseImage, command: str, answer: str
) -> None:
    program = f"import subprocess, shlex; subprocess.run(shlex.split({command!r}), check=True)"
    assert ask(sdk, image, program).startswith(answer)


@pytest.mark.docker
def test_an_image_is_built_from_packages_alone(sdk: docker.DockerClient) -> None:
    image = dataclasses.replace(DEMO_BASE, name=f"chatops-test-base:{uuid.uuid4().hex[:12]}")
    try:
        base_images.make(sdk, image)
        assert ask(sdk, image, "import pytest, ssl; print('built')") == "built"
        assert sdk.images.get(image.name).attrs["Size"] < 80_000_000
    finally:
        with contextlib.suppress(docker.errors.ImageNotFound):
            sdk.images.remove(image.name, force=True)


def test_stale_package_lists_are_refreshed_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    tried: list[str] = []

    def download(*_: object) -> list[Path]:
        tried.append("download")
        if len(tried) == 1:
            raise subprocess.CalledProcessError(100, "apt-get", stderr="404 Not Found")
        return [tmp_path]

    monkeypatch.setattr(rootfs, "download", download)
    monkeypatch.setattr(machine, "may_install", lambda: True)
    monkeypatch.setattr(machine, "update", lambda: tried.append("update"))
    assert base_images._debs(DEMO_BASE, tmp_path) == [tmp_path]
    assert tried == ["download", "update", "download"]


@pytest.mark.parametrize("root", [True, False])
def test_the_error_for_unavailable_packages_contains_apts_output(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *, root: bool
) -> None:
    def download(*_: object) -> list[Path]:
        raise subprocess.CalledProcessError(100, "apt-get", stderr="no network today")

    monkeypatch.setattr(rootfs, "download", download)
    monkeypatch.setattr(machine, "may_install", lambda: root)
    monkeypatch.setattr(machine, "update", lambda: None)
    with pytest.raises(SetUpError, match="no network today"):
        base_images._debs(DEMO_BASE, tmp_path)
