"""The ways out of environments: bridges of their own, and the firewall rules that bound them.

The rule that drops everything is set first and is about all these bridges, so that whatever is missing, also
after a change of the settings, closes the way. See `Firewall`.
"""

import base64
import hashlib
from collections.abc import Iterable

from bot.model.egress import EgressRule
from bot.runners.docker.firewall import METADATA, NEW, Rule


def bridges(instance: str) -> str:
    """Return the prefix of the names of all bridges with a way out of a bot."""
    return f"cx{_digest(instance, 4)}"


def bridges_of(instance: str, rule: EgressRule) -> str:
    """Return the prefix of the names of the bridges with one way out; another network is another prefix."""
    return f"{bridges(instance)}{_digest(repr((rule.cidrs, rule.resolvers)), 4)}"


def bridge_name(instance: str, rule: EgressRule, network: str) -> str:
    """Return the name of a bridge, for which Linux allows 15 characters."""
    return f"{bridges_of(instance, rule)}{_digest(network, 5)}"


def egress_rules(instance: str, rules: Iterable[EgressRule]) -> tuple[Rule, ...]:
    """Return the rules for all bridges with a way out; each is placed before those that precede it here."""
    all_of = ("-i", f"{bridges(instance)}+")
    given = tuple(rules)
    if not given:
        return ()
    return (
        ("INPUT", (*all_of, *NEW)),
        # With bridge-nf-call-iptables, what containers of one environment send each other passes here too.
        ("DOCKER-USER", (*all_of, "!", "-o", f"{bridges(instance)}+", "-j", "DROP")),
        *(allowed for rule in given for allowed in _allowed(instance, rule)),
        *(("DOCKER-USER", (*all_of, "-d", address, "-j", "DROP")) for address in METADATA),
    )


def _allowed(instance: str, rule: EgressRule) -> Iterable[Rule]:
    of = ("-i", f"{bridges_of(instance, rule)}+")
    for cidr in rule.cidrs:
        yield "DOCKER-USER", (*of, "-d", cidr, "-j", "RETURN")
    for address in rule.resolvers:
        for protocol in ("udp", "tcp"):
            yield "DOCKER-USER", (*of, "-d", f"{address}/32", "-p", protocol, "--dport", "53", "-j", "RETURN")


def _digest(text: str, length: int) -> str:
    """Return lower-case letters and digits, five bits each."""
    found = base64.b32encode(hashlib.sha256(text.encode()).digest())
    return found[:length].decode().lower()
