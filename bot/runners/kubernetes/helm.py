"""Runs the Helm program, each time in a process group that ends with the caller."""

import asyncio
import json
import os
import re
import signal
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from bot.model.errors import GiveUp
from bot.model.reason import Reason
from bot.runners.cleanup import uninterrupted
from bot.runners.kubernetes import chart_pull
from bot.runners.kubernetes.chart_pull import ChartRegistry
from bot.runners.kubernetes.cluster import ClusterAccess
from bot.runners.lines import clean

PROGRAM = "helm"
RENDER_SECONDS = 60.0
MARGIN = 30.0
"""Seconds beyond Helm's own timeout after which it is killed."""
OUTPUT_LIMIT = 4 << 20
MEMORY = 2 << 30
"""Bytes of address space while rendering; the Go runtime reserves 0.6 GiB of it without using it."""
RENDERINGS = 1
"""Charts that are rendered at the same time; each may take as much memory as the limit."""
CPU_SECONDS = 30
"""Seconds of processor time while rendering, for all threads together."""
KEPT_REVISIONS = "3"
# Where memory is short, the kernel ends Helm and not the bot. One limit for each `ulimit`: dash, Debian's
# /bin/sh, takes no more. Where the kernel permits it, Helm gets a network namespace without addresses;
# elsewhere only the check of the schemas keeps it off the network.
_SEALED = f"""\
{{ echo 1000 > /proc/$$/oom_score_adj; }} 2>/dev/null
ulimit -v {MEMORY >> 10} && ulimit -t {CPU_SECONDS} && ulimit -c 0 || exit
if unshare -rn true 2>/dev/null; then exec unshare -rn "$0" "$@"; fi
exec "$0" "$@"
"""
NO_VARIABLES: Mapping[str, str] = {}
_PASSED_ON = ("PATH", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR")
_IN_CLUSTER = ("KUBERNETES_SERVICE_HOST", "KUBERNETES_SERVICE_PORT")


class HelmFailed(Exception):  # noqa: N818 - as the errors of the model
    """Helm failed; `message` is the end of its error output."""

    def __init__(self, message: str) -> None:
        self.message = message
        super().__init__(message)


class Helm:
    """Helm for one cluster; `home` holds its own files."""

    def __init__(self, access: ClusterAccess, home: Path, registry: ChartRegistry | None = None) -> None:
        self._access = access
        self._home = home
        self._registry = registry
        self._version = ""
        self._free = asyncio.Semaphore(RENDERINGS)

    async def version(self) -> str:
        """Return its version, such as `v3.17.2`. Raises GiveUp(NOT_SUPPORTED) if Helm is not installed."""
        if not self._version:
            self._version = (await self._run(["version", "--short"], seconds=MARGIN)).strip()
        return self._version

    async def pull(self, reference: str, target: Path) -> Path:
        """Pull a chart by its address and return its folder."""
        chart = chart_pull.pull_arguments(reference, self._registry)
        with chart_pull.pull_options(reference, self._registry) as given:
            arguments = ["pull", "--untar", f"--untardir={target}", *given.arguments, *chart]
            await self._run(arguments, seconds=RENDER_SECONDS, extra=given.environment)
        return _only_folder(target)

    async def template(
        self, release: str, chart: Path, *, namespace: str, values: Path, kube_version: str
    ) -> str:
        """Render a chart without access to cluster and network, with limited memory and time."""
        arguments = ["template", release, str(chart), "--namespace", namespace, "--values", str(values)]
        arguments += ["--kube-version", kube_version, "--skip-tests"]
        async with self._free:
            return await self._run(arguments, seconds=RENDER_SECONDS, sealed=True)

    async def status(self, release: str, namespace: str) -> str:
        """Return the status of a release, such as `deployed` or `pending-upgrade`; empty if there is none."""
        try:
            output = await self._run(
                ["status", release, "--namespace", namespace, "--output", "json"], seconds=MARGIN
            )
        except HelmFailed as failed:
            if "not found" in failed.message:
                return ""
            raise
        return str(json.loads(output)["info"]["status"])

    async def upgrade(self, release: str, chart: Path, *, namespace: str, seconds: float) -> None:
        """Install or upgrade a release and wait until it is ready.

        Helm does not roll a failure back: it goes by the name of the release, and a Helm that outlives its
        bot would roll back what the successor has installed. The caller deletes the namespace.
        """
        arguments = ["upgrade", release, str(chart), "--install", "--namespace", namespace, "--wait"]
        limits = ["--timeout", f"{seconds:.0f}s", "--history-max", KEPT_REVISIONS, "--output", "json"]
        await self._run([*arguments, *limits], seconds=seconds + MARGIN)

    async def uninstall(self, release: str, namespace: str, *, seconds: float, hooks: bool = True) -> None:
        """Uninstall a release and its objects; no release is no error."""
        arguments = ["uninstall", release, "--namespace", namespace, "--wait", "--timeout", f"{seconds:.0f}s"]
        try:
            await self._run([*arguments, *([] if hooks else ["--no-hooks"])], seconds=seconds + MARGIN)
        except HelmFailed as failed:
            if "not found" not in failed.message:
                raise

    async def _run(
        self,
        arguments: list[str],
        *,
        seconds: float,
        sealed: bool = False,
        extra: Mapping[str, str] = NO_VARIABLES,
    ) -> str:
        command = ["/bin/sh", "-c", _SEALED, PROGRAM] if sealed else [PROGRAM]
        try:
            process = await asyncio.create_subprocess_exec(
                *command,
                *([] if sealed else self._context()),
                *arguments,
                env={**self._environment(sealed=sealed), **extra},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                start_new_session=True,
                limit=OUTPUT_LIMIT,
            )
        except FileNotFoundError as error:
            raise GiveUp(Reason.NOT_SUPPORTED, {"what": PROGRAM}) from error
        try:
            async with asyncio.timeout(seconds):
                output, errors = await asyncio.gather(_read(process.stdout), _read(process.stderr))
                code = await process.wait()
        except TimeoutError:
            raise HelmFailed(f"still running after {seconds:.0f} s") from None
        finally:
            await uninterrupted(_kill(process))
        if code != 0:
            raise HelmFailed((sealed and _over_limit(code, errors)) or _error_message(errors))
        return output

    def _context(self) -> list[str]:
        return ["--kube-context", self._access.context] if self._access.context else []

    def _environment(self, *, sealed: bool) -> dict[str, str]:
        passed: Mapping[str, Any] = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        home = {"HOME": str(self._home), "HELM_NO_PLUGINS": "1"}
        if sealed:
            # Connects to nothing, even if the chart makes Helm try.
            return {"PATH": passed.get("PATH", os.defpath), **home, "KUBECONFIG": os.devnull}
        if self._access.kubeconfig is not None:
            return {**passed, **home, "KUBECONFIG": str(self._access.kubeconfig)}
        inside = {name: os.environ[name] for name in _IN_CLUSTER if name in os.environ}
        return {**passed, **home, **inside}


def _only_folder(within: Path) -> Path:
    return next(path for path in within.iterdir() if path.is_dir())


async def _read(stream: asyncio.StreamReader | None) -> str:
    """Read a program's output. Raises HelmFailed beyond the limit."""
    found = bytearray()
    while stream is not None and (chunk := await stream.read(1 << 16)):
        found += chunk
        if len(found) > OUTPUT_LIMIT:
            raise HelmFailed(f"more than {OUTPUT_LIMIT >> 20} MiB of output")
    return found.decode("utf-8", "replace")


async def _kill(process: asyncio.subprocess.Process) -> None:
    """Kill the whole process group: Helm may have started other programs."""
    if process.returncode is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    await process.wait()


def _over_limit(code: int, errors: str) -> str:
    """Return which limit ended the rendering; empty if none did."""
    if code == -signal.SIGKILL:
        return f"rendering takes more than {CPU_SECONDS} s of processor time"
    # The Go runtime ends with a trace of all its threads.
    if re.search(r"(?m)^(fatal error|runtime): .*(memory|OS thread)", errors):
        return f"rendering takes more than {MEMORY >> 30} GiB of memory"
    return ""


def _error_message(errors: str) -> str:
    lines = [clean(line) for line in errors.splitlines() if line.strip()]
    shown = [line for line in lines if not line.startswith(("WARNING:", "Flag --", "level=", "walk.go"))]
    return " ".join(shown).removeprefix("Error: ")[:500] or "no reason given"
