"""Keeps previews from the host's own ports.

An internal network separates containers from the internet, but not from the host that they run on.
"""

import asyncio
import logging
import os
import shutil
from typing import Literal

log = logging.getLogger(__name__)

Mode = Literal["auto", "required", "off"]
"""`auto` logs a warning if the rule cannot be set, `required` makes that an error, `off` sets no rule."""

ATTEMPTS = 20
"""Copies of the rule that `remove` deletes at most."""


class Firewall:
    """One rule for all bridges of a bot: no new connection from them to the host."""

    def __init__(self, prefix: str, mode: Mode = "auto") -> None:
        self._rule = ("-i", f"{prefix}+", "-m", "conntrack", "--ctstate", "NEW", "-j", "DROP")
        self._mode = mode
        self.problem: str | None = None
        """Why the rule is not set, as of the last `ensure`."""

    @property
    def required(self) -> bool:
        """Whether no container may run without the rule."""
        return self._mode == "required"

    async def ensure(self) -> str | None:
        """Set the rule if it is not set; return why that failed, or None."""
        if self._mode == "off":
            return None
        problem = await self._ensure()
        if problem and problem != self.problem:
            log.warning("previews can reach this host's own ports: %s", problem)
        self.problem = problem
        return problem

    async def remove(self) -> None:
        """Remove the rule if it is set."""
        for _ in range(ATTEMPTS):
            if await self._iptables("-C") is not None:
                return
            await self._iptables("-D")

    async def _ensure(self) -> str | None:
        if os.geteuid() != 0:
            return "only root may set firewall rules"
        if await self._iptables("-C") is None:
            return None
        return await self._iptables("-I")

    async def _iptables(self, action: str) -> str | None:
        """Run iptables; return its error, or None."""
        program = shutil.which("iptables", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
        if program is None:
            return "iptables is not installed"
        process = await asyncio.create_subprocess_exec(
            *(program, "-w", "5", action, "INPUT", *self._rule),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        _, errors = await process.communicate()
        return (
            (errors.decode("utf-8", "replace").strip() or "iptables failed") if process.returncode else None
        )
