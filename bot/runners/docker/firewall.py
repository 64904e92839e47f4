"""Keeps previews and builds from the host's own ports.

An internal network separates containers from the internet, but not from the host that they run on.

Rules outlive the bot, so each has a comment that says whose it is. The comment ends with a digest of the
rule, because iptables shows a rule differently from how it was set.
"""

import asyncio
import hashlib
import logging
import os
import shlex
import shutil
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Literal

from bot.core.admission.egress import METADATA
from bot.runners.cleanup import uninterrupted

log = logging.getLogger(__name__)

Mode = Literal["auto", "required", "off"]
"""`auto` logs a warning if the rules cannot be set, `required` makes that an error, `off` sets none."""

Rule = tuple[str, tuple[str, ...]]
"""A chain of iptables, and a rule in it."""

TABLES = ("filter", "mangle")
"""The tables with the bot's rules.

What is forwarded passes `mangle`, and not the chain `DOCKER-USER`: for each new network the engine takes its
jump to that out, and sets it again some milliseconds later.
"""
OWN = "CHATOPS-"
"""Prefix of the names of chains that the bot makes in `mangle`; it removes them with their last rule."""
NEW = ("-m", "conntrack", "--ctstate", "NEW", "-j", "DROP")


def preview_rules(prefix: str) -> tuple[Rule, ...]:
    """Return the rule for all bridges of a bot: no new connection from them to the host."""
    return (("INPUT", ("-i", f"{prefix}+", *NEW)),)


def build_rules(ports: Sequence[int] = (), bridge: str = "docker0") -> tuple[Rule, ...]:
    """Return the rules for RUN instructions, which the engine runs on its default bridge.

    They keep everything on that bridge from the host, except from these ports, and from metadata services.
    """
    of = ("-i", bridge)
    but = ("-m", "multiport", "!", "--dports", ",".join(map(str, ports))) if ports else ()
    return (
        *(("INPUT", (*of, "-p", protocol, *but, *NEW)) for protocol in ("tcp", "udp")),
        *(("FORWARD", (*of, "-d", address, "-j", "DROP")) for address in METADATA),
    )


class Firewall:
    """The rules of a bot for one subject, which is what they keep from the host.

    Each bot has its own, so that the end of one does not expose the builds of another.
    """

    def __init__(
        self, instance: str, rules: Sequence[Rule], mode: Mode = "auto", subject: str = "previews"
    ) -> None:
        self._mine = f"{_mark(instance)}{subject} "
        self._rules: Mapping[str, Rule] = {f"{self._mine}{_digest(rule)}": rule for rule in rules}
        self._mode = mode
        self._subject = subject
        self.problem: str | None = None
        """Why the rules are not set, as of the last `ensure`."""

    @property
    def required(self) -> bool:
        """Whether nothing may run without the rules."""
        return self._mode == "required"

    @property
    def off(self) -> bool:
        """Whether the operator wants no rules."""
        return self._mode == "off"

    async def ensure(self) -> str | None:
        """Set the rules, and delete those of earlier settings. Return why that failed, or None."""
        if self._mode == "off":
            return None
        problem = await self._ensure()
        if problem and problem != self.problem:
            log.warning("the firewall rules for %s are not set: %s", self._subject, problem)
        self.problem = problem
        return problem

    async def remove_outdated(self) -> None:
        """Delete the rules of earlier settings, for example of a bot that was killed."""
        wanted = set() if self._mode == "off" else set(self._rules)
        await _delete([rule async for comment, rule in _listed(self._mine) if comment not in wanted])

    async def _ensure(self) -> str | None:
        if os.geteuid() != 0:
            return "only root may set firewall rules"
        for comment, (chain, options) in self._rules.items():
            if chain.startswith(OWN):
                await _iptables(*_in(chain), "-N", chain)  # It may exist.
            places = await _places(chain)
            if comment not in places:
                named = (*options, "-m", "comment", "--comment", comment)
                place = str(self._place(comment, places))
                problem, _ = await _iptables(*_in(chain), "-I", chain, place, *named)
                if problem:
                    return problem
        await self.remove_outdated()
        return None

    def _place(self, comment: str, places: Mapping[str, int]) -> int:
        """Return the place of a missing rule: above those that precede it, below those that follow it."""
        names = list(self._rules)
        above = (places[name] for name in names[names.index(comment) + 1 :] if name in places)
        return max(above, default=0) + 1


async def remove_rules(instance: str) -> None:
    """Delete all rules of a bot."""
    await _delete([rule async for _, rule in _listed(_mark(instance))])


async def _delete(rules: Sequence[Sequence[str]]) -> None:
    """Delete rules, and chains of the bot that have none then."""
    for rule in rules:
        await _iptables(*_in(rule[0]), "-D", *rule)
    for chain in {rule[0] for rule in rules if rule[0].startswith(OWN)}:
        await _iptables(*_in(chain), "-X", chain)  # It fails while the chain has rules.


def _in(chain: str) -> tuple[str, str]:
    """Return the option that names the table of a chain with the bot's rules."""
    return "-t", "mangle" if chain == "FORWARD" or chain.startswith(OWN) else "filter"


def _mark(instance: str) -> str:
    return f"chatops-{instance} "


def _digest(rule: Rule) -> str:
    return hashlib.sha256(repr(rule).encode()).hexdigest()[:8]


async def _listed(mark: str) -> AsyncIterator[tuple[str, Sequence[str]]]:
    """Yield comment and rule, as `iptables -D` takes it, where the comment begins with this mark."""
    for table in TABLES:
        _, output = await _iptables("-t", table, "-S")
        for line in output.splitlines():
            if f'--comment "{mark}' in line:
                words = shlex.split(line)
                yield words[words.index("--comment") + 1], words[1:]


async def _places(chain: str) -> dict[str, int]:
    """Return the places in a chain, from 1, of the rules with a comment, by the comment."""
    _, output = await _iptables(*_in(chain), "-S", chain)
    rules = [shlex.split(line) for line in output.splitlines() if line.startswith("-A ")]
    return {
        words[words.index("--comment") + 1]: number
        for number, words in enumerate(rules, 1)
        if "--comment" in words
    }


async def _iptables(*arguments: str) -> tuple[str, str]:
    """Run iptables; return its error, empty if there is none, and its output.

    It runs to its end even if the caller is cancelled: otherwise a rule could appear after its removal.
    """
    return await uninterrupted(_run(arguments))


async def _run(arguments: Sequence[str]) -> tuple[str, str]:
    program = shutil.which("iptables", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if program is None:
        return "iptables is not installed", ""
    process = await asyncio.create_subprocess_exec(
        *(program, "-w", "5", *arguments),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, errors = (text.decode("utf-8", "replace") for text in await process.communicate())
    return (errors.strip() or "iptables failed") if process.returncode else "", output
