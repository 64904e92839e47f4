"""Opens and closes the adapters that the settings name."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from urllib.parse import unquote, urlsplit

from bot.app import values
from bot.app.runners import cluster_reader, open_runners
from bot.core.admission.served import serves
from bot.core.results.masking import Masker
from bot.dns.etcd import EtcdRecords
from bot.file_store import FileStore
from bot.gitee.client import GiteeClient
from bot.gitee.source import GitSource
from bot.gitee.transport import Transport
from bot.model.disk import FreeSpace
from bot.model.errors import ChatOpsError
from bot.model.scan import Severity
from bot.ports import DnsRecords, Forge
from bot.registry.base import RegistryOptions
from bot.registry.harbor import HarborRegistry
from bot.registry.oci import OciRegistry
from bot.reports.files import RunFiles
from bot.reports.folder import FolderFileStore
from bot.runners.docker.engine_space import measured
from bot.sandbox.process import ProcessSandbox
from bot.secrets.sources import OperatorSecrets
from bot.settings.model import Settings
from bot.steps.context import StepAdapters
from bot.steps.service_logs import ServiceLogs
from bot.store.database import Database, single_process
from bot.store.files import DatabaseFileStore

READY_SECONDS = 1.5
"""Seconds within which a component must answer to be ready; callers of `/readyz` may wait for 2 s only."""
FILE_STORE_THREADS = 4
"""Database connections for run files, separate from the engine's, so that logs never delay it."""
_PASSWORD = re.compile(r"://[^:/@]*:([^@]+)@")
"""The password in the address of a database."""


@dataclass(frozen=True, slots=True)
class Adapters:
    """The implementations of the ports that the engine, the steps and the pages use."""

    forge: Forge
    steps: StepAdapters
    files: RunFiles
    dns: DnsRecords | None = None
    """None if a wildcard DNS record is used."""
    file_database: Database | None = None
    """The connections of the file store; None if it is a directory."""
    secrets: OperatorSecrets = field(default_factory=lambda: OperatorSecrets((), Masker(())))

    @property
    def service_logs(self) -> ServiceLogs:
        """The output of what runs in environments."""
        return ServiceLogs(self.steps.platforms, self.files, self.secrets.masker.mask_cut)

    async def readiness(self) -> Mapping[str, str | None]:
        """Check the adapters concurrently: None for each that answers, otherwise what is wrong with it.

        Jenkins is not checked: runs wait while it restarts, and webhooks must still be accepted.
        """
        names = ["gitee", "registry", *map(str, self.steps.platforms)]
        checks = [
            self._gitee(),
            self.steps.registry.ping(),
            *(platform.ping() for platform in self.steps.platforms.values()),
        ]
        return dict(zip(names, await asyncio.gather(*map(in_time, checks)), strict=True))

    async def free_space(self, data: Path) -> tuple[FreeSpace, ...]:
        """Measure the file systems of this machine that runs write to; `data` has the bot's own files."""
        folders = {"data": data}
        for runner, disks in self.steps.disks.items():
            if folder := await disks.folder():
                folders[runner] = folder
        return await asyncio.to_thread(_free_space, folders)

    async def _gitee(self) -> str | None:
        try:
            await self.forge.ping()
        except ChatOpsError as error:
            return str(error)
        return None


@asynccontextmanager
async def open_adapters(settings: Settings, masker: Masker | None = None) -> AsyncIterator[Adapters]:
    """Open all adapters, without connecting yet, except to read the secrets, which `masker` learns.

    Raises GiveUp for an unusable address of the engine, and for such a secret that is not there.
    """
    token = settings.gitee.token.get_secret_value()
    data = settings.server.data_dir
    async with AsyncExitStack() as stack:
        sandbox = ProcessSandbox()
        forge = GiteeClient(Transport(settings.gitee.api, token, sandbox))
        stack.push_async_callback(forge.aclose)
        url = settings.store_url
        secrets = OperatorSecrets(
            values.secret_sources(settings),
            masker or Masker(own_secrets(settings)),
            cluster_reader(settings, stack),
        )
        await secrets.check()
        await secrets.learn()
        database = None if single_process(url) else Database(url, threads=FILE_STORE_THREADS)
        files = RunFiles(
            await stack.enter_async_context(open_file_store(settings, database)),
            sandbox,
            secrets.masker,
            language=settings.comments.language,
            log_limit=settings.limits.log_bytes,
        )
        registry = open_registry(settings)
        stack.push_async_callback(registry.close)
        source = GitSource(
            data / "git",
            settings.gitee.url,
            token,
            limit=settings.limits.source_bytes,
            serves=partial(serves, settings.repos.allow),
        )
        runners = await open_runners(settings, stack, sandbox)
        steps = StepAdapters(
            source,
            registry,
            files,
            sandbox,
            runners.builders,
            runners.platforms,
            builds=values.build_policy(settings),
            builds_at_once=settings.limits.builds_per_run,
            instance=settings.docker.instance,
            fail_on=_threshold(settings),
            jobs=runners.jobs,
            suspendable=runners.suspendable,
            side_by_side=runners.side_by_side,
            disks=runners.disks,
            secrets=secrets,
            grants=values.secret_grants(settings),
            egress=values.egress_rules(settings),
        )
        dns = open_dns(settings)
        if dns is not None:
            stack.push_async_callback(dns.close)
        yield Adapters(forge, steps, files, dns, database, secrets)


async def in_time(check: Awaitable[str | None]) -> str | None:
    """Return the result of a check of readiness, or that it did not end in time."""
    try:
        async with asyncio.timeout(READY_SECONDS):
            return await check
    except TimeoutError:
        return f"no answer within {READY_SECONDS} s"


def _free_space(folders: Mapping[str, Path]) -> tuple[FreeSpace, ...]:
    """Measure the file systems of these folders; one that is not there is skipped."""
    found: list[FreeSpace] = []
    for name, folder in folders.items():
        with suppress(OSError):
            found.append(measured(folder, name))
    return tuple(found)


def open_file_store(settings: Settings, database: Database | None) -> AbstractAsyncContextManager[FileStore]:
    """Return the store of run files: a directory for a single replica, the database for several."""
    if database is None:
        return nullcontext(FolderFileStore(settings.server.data_dir))
    return DatabaseFileStore.opened(database)


def own_secrets(settings: Settings) -> tuple[str, ...]:
    """Return the bot's own secrets, which must never appear in comments or logs."""
    found = (
        settings.gitee.token,
        *settings.gitee.webhook_secret,
        settings.registry.password,
        settings.kubernetes.pull_password,
        settings.jenkins.token,
        settings.jenkins.password,
    )
    stores = (settings.store.url, settings.store.lock_url)
    passwords = (_PASSWORD.search(url.get_secret_value()) for url in stores)
    of_stores = (text for match in passwords if match for text in (match[1], unquote(match[1])))
    return (*(text for secret in found if (text := secret.get_secret_value())), *of_stores)


def open_registry(settings: Settings) -> OciRegistry | HarborRegistry:
    """Return the registry that the settings name; the caller closes it."""
    chosen = settings.registry
    options = RegistryOptions(
        urlsplit(chosen.url).netloc,
        project=chosen.project,
        username=chosen.username,
        password=chosen.password.get_secret_value(),
        url=chosen.url,
        verify=not chosen.insecure,
    )
    if chosen.kind == "harbor":
        return HarborRegistry(options, scan_seconds=chosen.scan_seconds)
    return OciRegistry(options)


def open_dns(settings: Settings) -> EtcdRecords | None:
    """Return the DNS server that the bot writes records to, or None; the caller closes it."""
    chosen = settings.dns
    if not chosen.etcd:
        return None
    return EtcdRecords(
        chosen.etcd, zone=settings.preview.domain, address=chosen.address, path=chosen.etcd_path
    )


def _threshold(settings: Settings) -> Severity | None:
    chosen = settings.registry.fail_on
    return Severity(chosen) if chosen else None
