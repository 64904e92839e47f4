"""Keeps previews and builds from the host's own ports.

An internal network separates containers from the internet, but not from the host that they run on.
"""

import asyncio
import logging
import os
import shutil
from collections.abc import Sequence
from typing import Literal

log = logging.getLogger(__name__)

Mode = Literal["auto", "required", "off"]
"""`auto` logs a warning if the rules cannot be set, `required` makes that an error, `off` sets none."""

ATTEMPTS = 20
"""Copies of a rule that `remove` deletes at most."""


Rule = tuple[str, tuple[str, ...]]
"""A chain of iptables, and a rule in it."""

BUILD_PORTS = (53,)
"""Ports of the host that builds reach by default: its DNS server, if it has one."""
_NEW = ("-m", "conntrack", "--ctstate", "NEW", "-j", "DROP")
_METADATA = ("169.254.0.0/16", "100.100.100.200")
"""Where clouds answer machines with their credentials; the second is Alibaba Cloud's."""


def preview_rules(prefix: str) -> tuple[Rule, ...]:
    """Return the rule for all bridges of a bot: no new connection from them to the host."""
    return (("INPUT", ("-i", f"{prefix}+", *_NEW)),)


def build_rules(instance: str, ports: Sequence[int] = (), bridge: str = "docker0") -> tuple[Rule, ...]:
    """Return the rules for RUN instructions, which the engine runs on its default bridge.

    They keep everything on that bridge from the host, except from these ports, and from metadata services.
    Each bot has its own, so that the end of one does not expose the builds of another.
    """
    of = ("-i", bridge, "-m", "comment", "--comment", f"chatops-{instance}")
    but = ("-m", "multiport", "!", "--dports", ",".join(map(str, ports))) if ports else ()
    return (
        *(("INPUT", (*of, "-p", protocol, *but, *_NEW)) for protocol in ("tcp", "udp")),
        *(("DOCKER-USER", (*of, "-d", address, "-j", "DROP")) for address in _METADATA),
    )


class Firewall:
    """A few rules, which `ensure` sets unless they are set. `subject` is what they keep from the host."""

    def __init__(self, rules: Sequence[Rule], mode: Mode = "auto", subject: str = "previews") -> None:
        self._rules = rules
        self._mode = mode
        self._subject = subject
        self.problem: str | None = None
        """Why the rules are not set, as of the last `ensure`."""

    @property
    def required(self) -> bool:
        """Whether nothing may run without the rules."""
        return self._mode == "required"

    async def ensure(self) -> str | None:
        """Set the rules that are not set; return why that failed, or None."""
        if self._mode == "off":
            return None
        problem = await self._ensure()
        if problem and problem != self.problem:
            log.warning("%s can reach this host's own ports: %s", self._subject, problem)
        self.problem = problem
        return problem

    async def remove(self) -> None:
        """Remove the rules that are set."""
        for rule in self._rules:
            for _ in range(ATTEMPTS):
                if await self._iptables("-C", rule) is not None:
                    break
                await self._iptables("-D", rule)

    async def _ensure(self) -> str | None:
        if os.geteuid() != 0:
            return "only root may set firewall rules"
        for rule in self._rules:
            if await self._iptables("-C", rule) and (problem := await self._iptables("-I", rule)):
                return problem
        return None

    async def _iptables(self, action: str, rule: Rule) -> str | None:
        """Run iptables; return its error, or None."""
        chain, options = rule
        program = shutil.which("iptables", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
        if program is None:
            return "iptables is not installed"
        process = await asyncio.create_subprocess_exec(
            *(program, "-w", "5", action, chain, *options),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        _, errors = await process.communicate()
        return (
            (errors.decode("utf-8", "replace").strip() or "iptables failed") if process.returncode else None
        )
