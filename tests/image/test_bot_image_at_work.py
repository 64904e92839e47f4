"""The bot's image, started as in the README, using its host's engine for a real pull request."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import docker
import httpx
import pytest
from docker.models.containers import Container
from docker.models.images import Image

from playground.server import OfflineGitee
from tests.real.fixtures import base_image, instance, registry, sdk
from tests.real.parts import PATIENCE, RegistryProcess, wait_until_open
from tests.real.ports import free_port

__all__ = ["base_image", "instance", "registry", "sdk"]

pytestmark = [pytest.mark.docker, pytest.mark.xdist_group("image")]

SOCKET = Path("/var/run/docker.sock")
DOCKERFILE = """\
FROM {base}
RUN mkdir /www && echo hello > /www/index.html
EXPOSE 8080
CMD ["httpd", "-f", "-p", "8080", "-h", "/www"]
"""
CONFIG = """\
[server]
host = "127.0.0.1"
port = {web}
public_url = "https://bot.example.com"
[gitee]
url = "{gitee}"
token_file = "/run/secrets/token"
webhook_secret = "s3cret"
[repos]
allow = ["team/*"]
[docker]
instance = "{instance}"
[registry]
url = "http://{registry}"
[preview]
domain = "test.example.com"
port = {previews}
"""


@pytest.fixture
async def gitee(tmp_path: Path, base_image: str) -> AsyncIterator[OfflineGitee]:
    async with OfflineGitee(tmp_path / "gitee") as found:
        for login in ("mei", "chatops-bot"):
            found.add_user(login)
        members = {"mei": "write", "chatops-bot": "write"}
        files = {"Dockerfile": DOCKERFILE.format(base=base_image)}
        await found.add_repository("team/shop", files, members=members)  # type: ignore[arg-type] # literal values
        yield found


@pytest.fixture
def ports() -> tuple[int, int]:
    return free_port(), free_port()


@pytest.fixture
def bot(  # noqa: PLR0917 - fixtures are asked for by name
    sdk: docker.DockerClient,
    image: Image,
    gitee: OfflineGitee,
    registry: RegistryProcess,
    tmp_path: Path,
    ports: tuple[int, int],
    instance: str,
) -> Iterator[Container]:
    """Start the image with the engine's socket, as the README's command line does."""
    config, token = tmp_path / "chatops.toml", tmp_path / "token"
    token.write_text(gitee.token("chatops-bot"))
    text = CONFIG.format(
        web=ports[0], previews=ports[1], gitee=gitee.url, registry=registry.host, instance=instance
    )
    config.write_text(text)
    container = sdk.containers.run(
        image,
        ["serve", "--config", "/etc/chatops.toml"],
        detach=True,
        network_mode="host",
        group_add=[str(SOCKET.stat().st_gid)],
        volumes=[
            f"{SOCKET}:/var/run/docker.sock",
            f"{config}:/etc/chatops.toml:ro",
            f"{token}:/run/secrets/token:ro",
        ],
        labels={"dev.gitee-chatops.test-image": "1"},
    )
    yield container
    container.remove(force=True, v=True)


async def test_a_pull_request_gets_its_preview_from_the_image(
    bot: Container, gitee: OfflineGitee, ports: tuple[int, int]
) -> None:
    try:
        wait_until_open(f"127.0.0.1:{ports[0]}")
    except OSError:
        pytest.fail(bot.logs().decode())
    gitee.add_hook("team/shop", f"http://127.0.0.1:{ports[0]}/webhooks/gitee", "s3cret")
    number = await gitee.open_pull("team/shop", "feature", files={"a": "b"}, by="mei")

    def ready() -> bool:
        said = [comment.body for comment in gitee.comments("team/shop", number, by="chatops-bot")]
        assert not any("❌" in text for text in said), f"{said}\n{bot.logs().decode()}"
        return any(text.startswith("✅") for text in said)

    await gitee.wait_for(ready, PATIENCE)
    async with httpx.AsyncClient(timeout=PATIENCE) as visitor:
        address = f"http://127.0.0.1:{ports[1]}/"
        answer = await visitor.get(address, headers={"Host": f"pr-{number}-shop.test.example.com"})
    assert answer.text == "hello\n"
