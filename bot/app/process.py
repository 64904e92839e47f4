"""What the operating system allows the process: open files, and who may read the files that it creates."""

import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

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


def _raised(soft: int, hard: int) -> int:
    if soft == resource.RLIM_INFINITY:
        return soft
    return max(soft, MOST_FILES if hard == resource.RLIM_INFINITY else min(MOST_FILES, hard))
