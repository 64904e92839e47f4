"""Installs PostgreSQL's programs for tests, which start their own servers; no service is started."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

INSTALLED = Path("/usr/lib/postgresql")
CLUSTERS = Path("/etc/postgresql-common/createcluster.d")
"""Debian's package reads this folder before it creates and starts a cluster; see createcluster.conf(5)."""


def packages() -> list[str]:
    """Return the Debian packages that must be installed to run a server."""
    return [] if any(INSTALLED.glob("*/bin/postgres")) else ["postgresql"]


@contextmanager
def no_service() -> Iterator[None]:
    """Prevent the package from creating and starting a cluster while it is installed in this context."""
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
