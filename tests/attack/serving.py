"""Runs a real `chatops serve` whose Gitee does not answer."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

from tests.crash.fleet import Replica
from tests.dialogue.tester import SECRET
from tests.real.ports import free_port


def started(folder: Path, **server: object) -> Replica:
    """Start a bot whose Gitee does not answer."""
    replica = Replica(
        folder,
        {
            "server": server,
            "gitee": {"url": f"http://127.0.0.1:{free_port()}", "webhook_secret": [SECRET]},
            "docker": {"enabled": False},
            "repos": {"allow": ["team/*"]},
        },
        remote=False,
    )
    replica.start()
    asyncio.run(replica.ready())
    return replica


def serving(folder: Path, **server: object) -> Iterator[Replica]:
    """Run a bot, and stop it at the end."""
    replica = started(folder, **server)
    yield replica
    asyncio.run(replica.dispose())
