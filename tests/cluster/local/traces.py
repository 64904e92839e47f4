"""Removes what the node's parts leave behind: mounts, rules, settings, folders."""

import json
import re
import shlex
import shutil
import subprocess
from pathlib import Path
from shutil import which

MOUNTS = Path("/proc/mounts")
SYSCTLS = Path("/proc/sys")
# The kubelet sets kernel and memory settings, kube-proxy network settings.
CHANGED_SYSCTLS = (
    "kernel/keys/root_maxbytes",
    "kernel/keys/root_maxkeys",
    "kernel/panic",
    "kernel/panic_on_oops",
    "net/bridge/bridge-nf-call-iptables",
    "net/ipv4/conf/all/route_localnet",
    "vm/overcommit_memory",
    "vm/panic_on_oom",
)
MADE = ("/run/dockershim.sock", "/var/lib/kubelet", "/var/log/containers", "/var/log/pods")
"""Paths that the kubelet creates outside of its own folder."""


def remember(file: Path) -> None:
    """Record the settings that will change, and the folders that do not exist yet."""
    sysctls = {name: SYSCTLS / name for name in CHANGED_SYSCTLS}
    noted = {
        "sysctls": {name: path.read_text() for name, path in sysctls.items() if path.exists()},
        "absent": [path for path in MADE if not Path(path).exists()],
    }
    file.write_text(json.dumps(noted))


def restore(file: Path) -> None:
    """Restore the recorded settings."""
    noted = json.loads(file.read_text())
    for name, value in noted["sysctls"].items():
        path = SYSCTLS / name
        if path.exists() and path.read_text() != value:
            path.write_text(value)
    for made in map(Path, noted["absent"]):
        if made.is_dir():
            shutil.rmtree(made)
        else:
            made.unlink(missing_ok=True)


def unmount(folder: Path) -> None:
    """Unmount everything at or below a folder, innermost first: the kubelet's mounts and pod volumes."""
    for path in mounted_at(folder, MOUNTS.read_text()):
        subprocess.run(["umount", path], check=True)


def mounted_at(folder: Path, mounts: str) -> list[str]:
    """Return the mount points at or below a folder, innermost first."""
    places = [re.sub(r"\\([0-7]{3})", _character, line.split()[1]) for line in mounts.splitlines()]
    return sorted((place for place in places if Path(place).is_relative_to(folder)), reverse=True)


def _character(escape: re.Match[str]) -> str:
    return chr(int(escape[1], 8))


def remove_rules() -> None:
    """Remove the chains KUBE-* and the rules that jump to them; no other rules change."""
    for program in filter(which, ("iptables", "ip6tables")):
        for table in ("nat", "filter", "mangle"):
            command = [program, "--wait", "--table", table]
            listed = subprocess.run([*command, "--list-rules"], capture_output=True, text=True, check=False)
            for change in removals(listed.stdout):
                subprocess.run([*command, *change], check=True)


def removals(rules: str) -> list[list[str]]:
    """Return the commands that remove Kubernetes' chains from a table, given `iptables --list-rules`."""
    lines = rules.splitlines()
    chains = [found[1] for line in lines if (found := re.fullmatch(r"-N (KUBE-\S+)", line))]
    jumps = [line for line in lines if re.match(r"-A (?!KUBE-)", line) and re.search(r" -j KUBE-\S+", line)]
    return [
        *(["-D", *shlex.split(line)[1:]] for line in jumps),
        *(["-F", chain] for chain in chains),
        *(["-X", chain] for chain in chains),
    ]
