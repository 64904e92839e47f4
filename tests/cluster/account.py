"""The service account that the chart creates for the bot."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.cluster.access import Access, access, wait_until
from tests.cluster.chart import Chart


@contextmanager
def bot_account(cluster: Access, chart: Chart, namespace: str, folder: Path) -> Iterator[Path]:
    """Create a service account with exactly the chart's rights, yield its kubeconfig, and remove it."""
    release = f"bot-{uuid.uuid4().hex[:8]}"
    rights = chart.rights(release, namespace)
    try:
        for item in rights:
            cluster.create(item)
        file = folder / "bot.kubeconfig"
        file.write_text(cluster.as_bearer(cluster.token(release, namespace)))
        with access(file, folder) as bot:
            # The server reads the new rights a moment later.
            wait_until(lambda: bot.may("create", "", "namespaces"), "the rights of the bot")
        yield file
    finally:
        for item in rights:
            cluster.remove(item)
