"""`chatops serve` as a process that is forked from one which has imported it: it starts at once.

The real command with its real configuration file; `far` puts the doors of `tests.crash.adapters` in place of
Docker and the registry, and nothing else.
"""

import os
import sys

from bot import cli
from tests.crash.adapters import far_adapters


def serve(config: str, log: str, *, far: bool) -> None:
    """Be the bot until the end of the process."""
    output = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o640)
    for descriptor in (sys.stdout.fileno(), sys.stderr.fileno()):
        os.dup2(output, descriptor)
    if far:
        vars(cli)["open_adapters"] = far_adapters
    cli.main(["serve", "--config", config])
