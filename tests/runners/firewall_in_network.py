"""Sets the rules of a bot with changing settings, in a network namespace; prints them after each step."""

import asyncio
import json
import subprocess
import sys
from contextlib import AsyncExitStack

from bot.app.runners import open_runners
from bot.model.pipeline import RunnerName
from bot.runners.docker.builder import DockerBuilder
from bot.runners.docker.firewall import Firewall, preview_rules, remove_rules
from bot.runners.docker.network import bridge_prefix
from bot.sandbox.process import ProcessSandbox
from bot.settings.model import Settings
from bot.settings.runners import DockerSettings
from tests.fakes.log import FakeLog

CHAINS = (("filter", "INPUT"), ("mangle", "FORWARD"))
FOREIGN = ("chatops-t2 builds 0", "chatops", 'it\'s "quoted"')


def iptables(*arguments: str) -> str:
    """Run iptables and return what it prints."""
    command = ["iptables", *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout  # noqa: S603 - constants


async def start(**chosen: object) -> DockerBuilder:
    """Start the runners of a bot as with these settings, and return its builder."""
    settings = Settings(docker=DockerSettings(instance="t", **chosen))  # type: ignore[arg-type] # as named
    async with AsyncExitStack() as stack:
        runners = await open_runners(settings, stack, ProcessSandbox())
        builder = runners.builders[RunnerName.DOCKER]
        assert isinstance(builder, DockerBuilder)
        await builder.firewall()
        return builder


async def main() -> dict[str, list[str]]:
    """Return the rules by step."""
    for comment in FOREIGN:
        iptables("-A", "INPUT", "-i", "other", "-m", "comment", "--comment", comment, "-j", "DROP")
    seen: dict[str, list[str]] = {}

    def note(step: str) -> None:
        listed = [iptables("-t", table, "-S", chain) for table, chain in CHAINS]
        seen[step] = [line for rules in listed for line in rules.splitlines()[1:]]

    note("before")
    builder, previews = await start(), Firewall("t", preview_rules(bridge_prefix("t")))
    assert await previews.ensure() is None
    for step in ("built", "built again"):
        await builder._block_host_ports(FakeLog())
        note(step)
    changed = await start(build_ports=(53, 8080))
    note("started with other ports")
    await changed._block_host_ports(FakeLog())
    note("built with other ports")
    await start(build_network="none")
    note("started without a network for builds")
    await changed._block_host_ports(FakeLog())
    await previews.ensure()
    await start(firewall=False)
    note("started without a firewall")
    await changed._block_host_ports(FakeLog())
    await remove_rules("t")
    note("removed")
    return seen


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asyncio.run(main())))
