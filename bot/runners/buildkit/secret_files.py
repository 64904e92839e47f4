"""Gives `buildctl` secrets in files that are only in memory: nothing stays of them, however the bot ends."""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager

from bot.model.secrets import SecretValue


@contextmanager
def in_memory(secrets: Sequence[SecretValue]) -> Iterator[Mapping[str, int]]:
    """Provide the descriptor of a file for each secret, by its name; on leaving they are closed.

    A process that inherits it reads the file as `/dev/fd/N`, from its beginning each time it is opened.
    """
    files: dict[str, int] = {}
    with ExitStack() as opened:
        for secret in secrets:
            file = opened.enter_context(os.fdopen(os.memfd_create("secret"), "wb"))
            file.write(secret.value)
            file.flush()
            files[secret.name] = file.fileno()
        yield files
