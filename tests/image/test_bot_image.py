"""The bot's image: built without network, run as an unprivileged user."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import docker
import docker.errors
import pytest
from docker.models.containers import Container
from docker.models.images import Image

from tests.real.parts import PATIENCE

# All on one worker, so that the image is built once.
pytestmark = [pytest.mark.docker, pytest.mark.xdist_group("image")]

LABEL = "dev.gitee-chatops.test-image"
USER_ID = 10001


Launch = Callable[..., Container]


@pytest.fixture
def launch(sdk: docker.DockerClient, image: Image) -> Iterator[Launch]:
    """Return a function that starts hardened containers without network; remove them with their volumes."""
    with ExitStack() as started:

        def start(*command: str, read_only: bool = True, **options: Any) -> Container:
            container = sdk.containers.create(
                image,
                list(command) or None,
                network_mode="none",
                read_only=read_only,
                cap_drop=["ALL"],
                security_opt=["no-new-privileges"],
                tmpfs={"/tmp": ""},
                labels={LABEL: "1"},
                **options,
            )
            started.callback(container.remove, force=True, v=True)
            container.start()
            return container

        yield start


@pytest.fixture
def serving(launch: Launch, image: Image) -> Container:
    """Start the bot, configured by environment variables only, and wait until it is healthy."""
    container = launch(
        environment={
            "CHATOPS_GITEE__TOKEN": "sample-token",
            "CHATOPS_GITEE__WEBHOOK_SECRET": "sample-secret",
        }
    )
    wait_until_well(container, probe(image))
    return container


def output(container: Container) -> str:
    """Return the output of a container that exited with status 0."""
    status = container.wait()["StatusCode"]
    text: str = container.logs().decode()
    assert status == 0, text
    return text


def wait_until_well(container: Container, health_check: list[str]) -> None:
    """Repeat the image's health check until it succeeds; fail if the bot exits or takes too long."""
    until = time.monotonic() + PATIENCE
    while not agrees(container, health_check):
        container.reload()
        if container.status != "running" or time.monotonic() > until:
            pytest.fail(f"{container.status}:\n{container.logs().decode()}")


def agrees(container: Container, health_check: list[str]) -> bool:
    """Return whether the health check succeeds; it cannot start in a container that has exited."""
    try:
        return container.exec_run(health_check).exit_code == 0
    except docker.errors.APIError:
        return False


def probe(image: Image) -> list[str]:
    """Return the command of the image's health check."""
    kind, *command = image.attrs["Config"]["Healthcheck"]["Test"]
    assert kind == "CMD"
    return [str(word) for word in command]


def test_console_command_is_the_entrypoint(launch: Launch) -> None:
    assert "0.1.0" in output(launch("--version"))


def test_the_image_contains_the_bot_and_nothing_else(launch: Launch) -> None:
    listing = (
        "import bot, json, pathlib; root = pathlib.Path(bot.__file__).parents[1];"
        "print(json.dumps([str(root), *(path for path in"
        " ('commands', 'comment_templates/zh', 'comment_templates/en', 'playground', 'tools')"
        " if (root / path).exists())]))"
    )
    root, *found = json.loads(output(launch("-c", listing, entrypoint="python")))
    assert root.startswith("/opt/chatops/")
    assert found == [
        "commands",
        "comment_templates/zh",
        "comment_templates/en",
    ], "the offline Gitee is an extra, and stays outside"


def test_user_is_not_root_and_owns_only_its_data(launch: Launch) -> None:
    script = "id -u; id -un; touch /data/x && echo data; touch /opt/chatops/x 2>/dev/null || echo refused"
    assert output(launch("-c", script, entrypoint="sh", read_only=False)).split() == [
        str(USER_ID),
        "chatops",
        "data",
        "refused",
    ]


def test_git_supports_https_and_ca_certificates_exist(launch: Launch) -> None:
    script = (
        'test -x "$(git --exec-path)/git-remote-https" && git --version;'
        'python -c "import ssl; print(len(ssl.create_default_context().get_ca_certs()))"'
    )
    version, authorities = output(launch("-c", script, entrypoint="sh")).splitlines()
    assert version.startswith("git version")
    assert int(authorities) > 50


def test_the_health_check_fails_without_a_server(launch: Launch, image: Image) -> None:
    program, *arguments = probe(image)
    container = launch(*arguments, entrypoint=program)
    assert container.wait()["StatusCode"] == 1
    assert "Connection refused" in container.logs().decode()


def test_the_bot_serves_as_an_unprivileged_user(serving: Container) -> None:
    result = serving.exec_run(["grep", "^Uid:", "/proc/1/status"])
    assert result.output == f"Uid:\t{USER_ID}\t{USER_ID}\t{USER_ID}\t{USER_ID}\n".encode()


def test_the_bot_stops_on_a_signal(serving: Container) -> None:
    serving.stop(timeout=int(PATIENCE))
    assert serving.wait()["StatusCode"] == 0
