"""Starts the offline Gitee, and `chatops serve` in the same process group, as an operator would."""

import asyncio
import json
import secrets
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from socket import create_server

import httpx

from bot.model.errors import RetryLater
from bot.runners.docker.purge import purge
from playground.demo_repository import DemoRepository, offered_changes, seed_demo
from playground.jenkins.demo import JENKINS_USER, demo_jenkins
from playground.jenkins.server import OfflineJenkins
from playground.server import OfflineGitee

DOMAIN = "preview.localhost"
START_SECONDS = 180
STOP_SECONDS = 60
REQUEST_SECONDS = 60
"""Timeouts for a busy machine: start of the bot, its stop, and one request."""


@dataclass(frozen=True, slots=True)
class Ports:
    """Ports of the servers; 0 lets the system choose."""

    gitee: int = 8002
    bot: int = 8001
    previews: int = 8003
    jenkins: int = 8004

    def chosen(self) -> "Ports":
        """Return free ports. Raises OSError, which names the port, if one is in use."""
        with ExitStack() as listeners:
            # All are open at the same time; otherwise the system could choose one twice.
            wanted = (self.gitee, self.bot, self.previews, self.jenkins)
            return Ports(*[_listened_on(port, listeners) for port in wanted])


@dataclass(frozen=True, slots=True)
class Playground:
    """A running playground."""

    gitee: OfflineGitee
    demo: DemoRepository
    bot: asyncio.subprocess.Process
    bot_url: str
    previews: str
    """Host and port of the preview proxy."""
    jenkins: OfflineJenkins | None = None


def _listened_on(port: int, listeners: ExitStack) -> int:
    try:
        listener = listeners.enter_context(create_server(("127.0.0.1", port)))
    except OSError as error:
        raise OSError(f"port {port} is in use: {error.strerror}") from error
    number: int = listener.getsockname()[1]
    return number


@asynccontextmanager
async def playground(
    data_dir: Path, ports: Ports, registry: str, *, with_jenkins: bool = False
) -> AsyncIterator[Playground]:
    """Run the servers until the block ends. Raises RuntimeError if a component is missing or fails."""
    await _require_registry(registry)
    ports = ports.chosen()
    async with AsyncExitStack() as stack:
        gitee = await stack.enter_async_context(
            OfflineGitee(data_dir / "gitee", port=ports.gitee, changes=offered_changes())
        )
        demo = await seed_demo(gitee, jenkins=with_jenkins)
        secret = secrets.token_urlsafe(24)
        instance = f"playground-{ports.bot}"
        await _remove_orphans(instance)
        jenkins = None
        if with_jenkins:
            folder = data_dir / "jenkins"
            jenkins = await stack.enter_async_context(
                demo_jenkins(folder, ports.jenkins, gitee, demo, instance)
            )
        config = _write_config(
            data_dir, gitee, demo, secret=secret, ports=ports, registry=registry, jenkins=jenkins
        )
        bot = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bot.cli", "serve", "--config", str(config)
        )
        try:
            bot_url = f"http://127.0.0.1:{ports.bot}"
            await _ready(bot, bot_url)
            for name in (demo.full_name, demo.shop):
                gitee.add_hook(name, f"{bot_url}/webhooks/gitee", secret)
            yield Playground(gitee, demo, bot, bot_url, f"{DOMAIN}:{ports.previews}", jenkins)
        finally:
            await _stop(bot)
            await purge(instance)


async def _require_registry(url: str) -> None:
    try:
        async with httpx.AsyncClient(timeout=REQUEST_SECONDS) as client:
            await client.get(f"{url}/v2/")
    except httpx.TransportError as error:
        raise RuntimeError(f"there is no registry at {url}; `make setup` starts one") from error


async def _remove_orphans(instance: str) -> None:
    """Remove containers and images of an earlier playground on this port that was killed."""
    try:
        await purge(instance)
    except RetryLater as error:
        why = error.facts.get("message", "")
        raise RuntimeError(
            f"Docker Engine is not available ({why}); `make setup` finds or starts one"
        ) from error


def _write_config(
    data_dir: Path,
    gitee: OfflineGitee,
    demo: DemoRepository,
    *,
    secret: str,
    ports: Ports,
    registry: str,
    jenkins: OfflineJenkins | None,
) -> Path:
    """Write the settings. Those for a real Gitee differ only in their values."""
    sections: dict[str, dict[str, object]] = {
        "server": {
            "host": "127.0.0.1",
            "port": ports.bot,
            "public_url": f"http://127.0.0.1:{ports.bot}",
            "data_dir": str(data_dir / "bot"),
        },
        "gitee": {
            "url": gitee.url,
            "api_url": gitee.api_url,
            "token": demo.bot_token,
            "webhook_secret": [secret],
        },
        # The demo is built offline; the default would set a rule for the whole default bridge.
        "docker": {"instance": f"playground-{ports.bot}", "build_network": "none"},
        "repos": {"allow": ["*/*"]},
        "registry": {"kind": "oci", "url": registry},
        "preview": {"domain": DOMAIN, "port": ports.previews, "public_port": ports.previews},
    }
    if jenkins is not None:
        user = jenkins.access.users[JENKINS_USER]
        patterns = ["{owner}/{name}/**"]
        sections["jenkins"] = {
            "url": jenkins.url, "user": user.name, "token": user.token, "jobs": patterns, "poll": 0.5,
        }  # fmt: skip
    path = data_dir / "chatops.toml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    # JSON strings, numbers and lists are valid TOML.
    lines = [
        line
        for name, values in sections.items()
        for line in (f"[{name}]", *(f"{key} = {json.dumps(value)}" for key, value in values.items()), "")
    ]
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


async def _ready(bot: asyncio.subprocess.Process, url: str) -> None:
    last = "no response"
    with suppress(TimeoutError):
        async with asyncio.timeout(START_SECONDS), httpx.AsyncClient(timeout=REQUEST_SECONDS) as client:
            while bot.returncode is None:
                try:
                    response = await client.get(f"{url}/readyz")
                except httpx.TransportError:
                    await asyncio.sleep(0.1)
                    continue
                if response.is_success:
                    return
                last = response.text
                await asyncio.sleep(0.2)
    raise RuntimeError(f"the bot did not become ready: {last}")


async def _stop(bot: asyncio.subprocess.Process) -> None:
    if bot.returncode is not None:
        return
    bot.send_signal(signal.SIGTERM)
    try:
        async with asyncio.timeout(STOP_SECONDS):
            await bot.wait()
    except TimeoutError:
        bot.kill()
        await bot.wait()
