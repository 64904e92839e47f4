"""PostgreSQL's programs: tests run servers of their own with them, no service of this machine."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

INSTALLED = Path("/usr/lib/postgresql")
CLUSTERS = Path("/etc/postgresql-common/createcluster.d")
"""Where Debian's package looks before it makes and starts a cluster; see createcluster.conf(5)."""


def packages() -> list[str]:
    """Return what has to be installed to run a server here."""
    return [] if any(INSTALLED.glob("*/bin/postgres")) else ["postgresql"]


@contextmanager
def no_service() -> Iterator[None]:
    """Have the package make and start no cluster when it is installed within."""
    made_folder = not CLUSTERS.exists()
    CLUSTERS.mkdir(parents=True, exist_ok=True)
    choice = CLUSTERS / "gitee-chatops.conf"
    choice.write_text("create_main_cluster = false\n")
    try:
        yield
    finally:
        choice.unlink()
        if made_folder:
            CLUSTERS.rmdir()
