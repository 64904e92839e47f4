"""What the operating system allows the process: open files, and who may read the files that it creates."""

import os
import resource

MOST_FILES = 65_536
"""Both ports, the services of previews and the adapters need about 2,000; the usual soft limit is 1,024."""
UMASK = 0o027
"""Files are readable by the group, for backups, and by no one else."""


def prepare() -> None:
    """Raise the limit of open files as far as permitted, and create files without access for others."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_FILES if hard == resource.RLIM_INFINITY else min(MOST_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    os.umask(UMASK)
