"""What the process may do and show: open files, who may read the files that it creates, and its own log."""

import logging
import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bot.core.results.masking import Masker
from bot.store import file_modes

MOST_FILES = 65_536
"""Both ports, the services of previews and the adapters need about 3,000; the usual soft limit is 1,024."""
UMASK = 0o027
"""Files are readable by the group, for backups, and by no one else."""


@contextmanager
def prepared(data_dir: Path) -> Iterator[None]:
    """Raise the limit of open files as far as permitted, and keep the data from other accounts."""
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (_raised(*limits), limits[1]))
    file_modes.restrict(data_dir, file_modes.FOLDER)
    before = os.umask(UMASK)
    try:
        yield
    finally:
        os.umask(before)
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)


@contextmanager
def masked_logs(masker: Masker) -> Iterator[None]:
    """Mask secrets in what this process logs, in tracebacks too."""
    before = [(handler, handler.formatter) for handler in logging.getLogger().handlers]
    for handler, formatter in before:
        handler.setFormatter(_MaskedFormatter(formatter or logging.Formatter(), masker))
    try:
        yield
    finally:
        for handler, formatter in before:
            handler.setFormatter(formatter)


class _MaskedFormatter(logging.Formatter):
    def __init__(self, plain: logging.Formatter, masker: Masker) -> None:
        super().__init__()
        self._plain = plain
        self._masker = masker

    def format(self, record: logging.LogRecord) -> str:
        return self._masker.mask(self._plain.format(record))


def _raised(soft: int, hard: int) -> int:
    if soft == resource.RLIM_INFINITY:
        return soft
    return max(soft, MOST_FILES if hard == resource.RLIM_INFINITY else min(MOST_FILES, hard))
