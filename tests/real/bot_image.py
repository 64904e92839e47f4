"""The bot's own image, built for real on the offline base, once per worker."""

import contextlib
import fcntl
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

ROOT = Path(__file__).parents[2]
LABEL = "dev.gitee-chatops.test-image"
CONTEXT = (
    ".dockerignore",
    "Dockerfile",
    "README.md",
    "bot",
    "commands",
    "comment_templates",
    "pyproject.toml",
    "requirements-build.lock",
    "requirements.lock",
)


@contextlib.contextmanager
def one_at_a_time(folder: Path) -> Iterator[None]:
    """Let parallel workers build and remove one after the other: they share layers."""
    with (folder / "image-build.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def build(engine: docker.DockerClient, context: Path, *, target: str, tag: str) -> Image:
    """Build a stage without network from the wheels in the context; fail with the log's end."""
    try:
        image, _ = engine.images.build(
            path=str(context),
            target=target,
            tag=tag,
            buildargs={
                "BASE_IMAGE": "chatops-bot-base:3.11",
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
    """Fetch the locked wheels for the Python of the base image, whatever Python runs the tests."""
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
def engine() -> Iterator[docker.DockerClient]:
    client = docker.from_env(timeout=600)
    yield client
    client.close()


@pytest.fixture(scope="session")
def context(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Gather what the image is made of, as a checkout would hold it."""
    folder = tmp_path_factory.mktemp("context")
    for name in CONTEXT:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, folder / name)
    return folder


@pytest.fixture(scope="session")
def image(
    engine: docker.DockerClient, context: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Image]:
    # The first stage gets a name too, or it would stay behind without one.
    stages = {stage: f"chatops-test-bot:{stage}-{uuid.uuid4().hex[:12]}" for stage in ("build", "runtime")}
    shared = tmp_path_factory.getbasetemp().parent
    try:
        with one_at_a_time(shared):
            (context / "wheels").mkdir()
            download_wheels(context / "wheels")
            built = [build(engine, context, target=stage, tag=tag) for stage, tag in stages.items()]
        yield built[-1]
    finally:
        with one_at_a_time(shared):
            for tag in stages.values():
                with contextlib.suppress(docker.errors.ImageNotFound):
                    engine.images.remove(tag, force=True)
