"""Describes this machine, and changes it in two ways only: apt packages and background processes."""

import os
import shlex
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from shutil import which

ROOT = Path(__file__).resolve().parents[2]
STATE = Path(os.environ.get("CHATOPS_LOCAL_DIR", ROOT / ".local"))
LOG = STATE / "setup.log"


class SetUpError(Exception):
    """Something is missing that setup must not or cannot provide; the message says what to do."""


@contextmanager
def step(name: str) -> Iterator[None]:
    """Print the name of a step and the time it took."""
    print(f"  {name} ".ljust(48, "."), end=" ", flush=True)
    start = time.monotonic()
    try:
        yield
    except BaseException:
        print("stopped", flush=True)
        raise
    print(f"{time.monotonic() - start:6.1f} s", flush=True)


def run(*command: str, env: Mapping[str, str] | None = None) -> None:
    """Run a command and append its output to the log. Raises SetUpError with the end of the output."""
    with LOG.open("a+") as log:
        log.write(f"$ {shlex.join(command)}\n")
        log.flush()
        start = log.tell()
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env={**os.environ, **(env or {})},
            check=False,
        )
        log.seek(start)
        if done.returncode:
            last = "".join(log.readlines()[-15:])
            raise SetUpError(
                f"`{shlex.join(command)}` exited with status {done.returncode}:\n\n{last}\nFull log: {LOG}"
            )


def may_install() -> bool:
    """Return whether packages can be installed: as root, on Debian, Ubuntu or a derivative."""
    return os.geteuid() == 0 and which("apt-get") is not None


def update() -> None:
    """Update apt's package lists."""
    apt("update")


def apt(*arguments: str) -> None:
    """Run apt-get non-interactively, a second time if it fails: mirrors have short outages."""
    command = ("apt-get", "-qq", "-y", "-o", "DPkg::Lock::Timeout=120", *arguments)
    environment = {"DEBIAN_FRONTEND": "noninteractive"}
    try:
        run(*command, env=environment)
    except SetUpError:
        run(*command, env=environment)


def install(packages: Sequence[str]) -> None:
    """Install Debian packages. Without permission, raises SetUpError with the command to run."""
    names = " ".join(packages)
    if which("apt-get") is None:
        raise SetUpError(
            f"Missing: {names} (the names of Debian's packages).\nInstall them and repeat this command."
        )
    if not may_install():
        raise SetUpError(
            f"Missing: {names}. Run\n\n"
            f"    sudo apt-get update && sudo apt-get install -y --no-install-recommends {names}\n\n"
            "and repeat this command."
        )
    update()
    apt("install", "--no-install-recommends", *packages)


def has_systemd() -> bool:
    """Return whether systemd manages the services of this machine."""
    return Path("/run/systemd/system").is_dir()


def disable_service(name: str) -> None:
    """Stop the service that a package starts under systemd: what needs it starts its own."""
    if has_systemd():
        run("systemctl", "disable", "--now", name)


@dataclass(frozen=True, slots=True)
class Background:
    """A process that outlives this script.

    Its pid and start time are recorded, so that another process with the same pid is never stopped.
    """

    name: str
    folder: Path | None = None
    """Folder for its record and its log; STATE if None."""

    @property
    def log(self) -> Path:
        """File with its output."""
        return (self.folder or STATE) / f"{self.name}.log"

    @property
    def _record(self) -> Path:
        return (self.folder or STATE) / f"{self.name}.pid"

    def start(self, *command: str, env: Mapping[str, str] | None = None) -> subprocess.Popen[bytes]:
        """Start the process in its own session and record it."""
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                env={**os.environ, **(env or {})},
            )
        self._record.write_text(f"{process.pid} {_started_at(process.pid)}\n")
        return process

    def ending(self) -> str:
        """Return the last lines of its log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-10:])

    def runs(self) -> bool:
        """Return whether the recorded process is running."""
        return self._running() is not None

    def stop(self, patience: float = 30) -> bool:
        """Stop the recorded process and wait for its end; return whether it was running.

        Raises SetUpError if it does not end within `patience` seconds.
        """
        pid = self._running()
        if pid is not None:
            os.kill(pid, signal.SIGTERM)
            until = time.monotonic() + patience
            while self.runs():
                if time.monotonic() > until:
                    raise SetUpError(f"{self.name} (process {pid}) does not stop; see {self.log}")
                time.sleep(0.05)
        self._record.unlink(missing_ok=True)
        return pid is not None

    def _running(self) -> int | None:
        try:
            pid, started_at = self._record.read_text().split()
        except (FileNotFoundError, ValueError):
            return None
        return int(pid) if _started_at(int(pid)) == started_at else None


def _started_at(pid: int) -> str:
    """Return the start time of a process in ticks since boot, or `gone` if it does not run or is a zombie."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return "gone"
    return "gone" if fields[0] == "Z" else fields[19]
