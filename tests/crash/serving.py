"""Runs `chatops serve` in a process forked from one that has already imported it, so that it starts quickly.

It is the real command with a real configuration file. With `remote`, the adapters of `tests.crash.adapters`
replace Docker and the registry, and nothing else.
"""

import os
import sys

from bot import cli
from tests.crash.adapters import remote_adapters


def serve(config: str, log: str, *, remote: bool) -> None:
    """Run the bot until the process ends."""
    output = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o640)
    for descriptor in (sys.stdout.fileno(), sys.stderr.fileno()):
        os.dup2(output, descriptor)
    if remote:
        vars(cli)["open_adapters"] = remote_adapters
    cli.main(["serve", "--config", config])
