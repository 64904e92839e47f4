"""What the web uses of the store and of the files of runs.

The methods are documented where they are implemented, in `bot/store/` and `bot/reports/files.py`. Each raises
RetryLater(STORE_UNAVAILABLE) while the store is unavailable.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from bot.model.environment import Environment, EnvironmentKey
from bot.model.forge import RepoPath
from bot.model.run import Run
from bot.model.service_log import ServiceLog
from bot.reports.files import LogChunk


class PreviewRecords(Protocol):
    """What the preview proxy needs."""

    async def environment_at(self, host_label: str) -> Environment | None: ...
    async def request_wake(self, key: EnvironmentKey, at: datetime) -> None: ...
    async def visited(self, seen: Mapping[str, datetime]) -> None: ...


class RunReader(Protocol):
    """What the pages and the API need of runs."""

    async def run(self, run_id: int) -> Run | None: ...
    async def runs(
        self,
        *,
        repo: RepoPath | None = None,
        number: int | None = None,
        before: int | None = None,
        limit: int = 50,
    ) -> tuple[Run, ...]: ...
    async def unfinished(self) -> tuple[Run, ...]: ...


class ServiceLogReader(Protocol):
    """What the pages need of the output of services, which is untrusted; see `bot/steps/service_logs.py`."""

    async def all(self, run: Run, environment: Environment | None) -> Sequence[ServiceLog]: ...
    async def read(self, run: Run, name: str, environment: Environment | None) -> ServiceLog | None: ...


class RunFileReader(Protocol):
    """What the pages and the API need of the files of runs. Their contents are untrusted."""

    async def read_log(self, run: int, step: str, offset: int, limit: int) -> LogChunk: ...
    async def has_report(self, run: int) -> bool: ...
    async def report(self, run: int) -> bytes | None: ...
    async def own_page(self, run: int, name: str) -> str | None: ...
    async def own_report(self, run: int, name: str) -> bytes | None: ...
