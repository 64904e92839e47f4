"""Builds the bot's image on the offline base image, once per worker."""

import contextlib
import io
import shutil
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import docker
import docker.errors
import pytest
from docker.models.images import Image

from tests.real.parts import build_image

ROOT = Path(__file__).parents[2]
LABEL = "dev.gitee-chatops.test-image"
CONTEXT = (
    ".dockerignore",
    "Dockerfile",
    "LICENSE",
    "README.md",
    "bot",
    "commands",
    "comment_templates",
    "pyproject.toml",
    "requirements-build.lock",
    "requirements.lock",
)


def own_base(sdk: docker.DockerClient, tag: str) -> None:
    """Create a base image of its own: builds that shared layers on it would lose them when it is removed."""
    recipe = f"FROM chatops-bot-base:3.11\nLABEL {LABEL}={tag}\n"
    build_image(sdk, fileobj=io.BytesIO(recipe.encode()), tag=tag)


def build(sdk: docker.DockerClient, context: Path, *, base: str, target: str, tag: str) -> Image:
    """Build a stage from the wheels in the context, without network; on an error, fail with the log's end."""
    try:
        image, _ = sdk.images.build(
            path=str(context),
            target=target,
            tag=tag,
            buildargs={
                "BASE_IMAGE": base,
                "PIP_ARGS": "--no-index --find-links=/src/wheels",
            },
            network_mode="none",
            labels={LABEL: "1"},
            rm=True,
            forcerm=True,
        )
    except docker.errors.BuildError as problem:
        log = "".join(line.get("stream", "") for line in problem.build_log)
        pytest.fail(f"{problem}\n{log[-4000:]}")
    return image


def download_wheels(folder: Path) -> None:
    """Download the locked wheels for the Python of the base image, which may not be that of the tests."""
    for lock in ("requirements.lock", "requirements-build.lock"):
        subprocess.run(  # noqa: S603 - constant arguments
            [
                *(
                    sys.executable,
                    "-m",
                    "pip",
                    "download",
                    "--quiet",
                    "--quiet",
                    "--disable-pip-version-check",
                ),
                *("--only-binary=:all:", "--python-version=3.11", "--require-hashes"),
                *("--dest", str(folder), "--requirement", str(ROOT / lock)),
            ],
            check=True,
            stdin=subprocess.DEVNULL,
        )


@pytest.fixture(scope="session")
def context(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Create a build context with the files of a checkout that the image needs."""
    folder = tmp_path_factory.mktemp("context")
    for name in CONTEXT:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, folder / name)
    return folder


@pytest.fixture(scope="session")
def image(sdk: docker.DockerClient, context: Path) -> Iterator[Image]:
    mine = uuid.uuid4().hex[:12]
    base = f"chatops-test-bot:base-{mine}"
    # The first stage gets a tag too, so that it can be removed.
    stages = {stage: f"chatops-test-bot:{stage}-{mine}" for stage in ("build", "runtime")}
    try:
        own_base(sdk, base)
        (context / "wheels").mkdir()
        download_wheels(context / "wheels")
        built = [build(sdk, context, base=base, target=stage, tag=tag) for stage, tag in stages.items()]
        yield built[-1]
    finally:
        for tag in (*stages.values(), base):
            with contextlib.suppress(docker.errors.ImageNotFound):
                sdk.images.remove(tag, force=True)
