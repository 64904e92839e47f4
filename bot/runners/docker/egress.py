"""The ways out of environments: bridges of their own, and the firewall rules that bound them.

The rule that drops everything is set first and is about all these bridges, so that whatever is missing, also
after a change of the settings, closes the way. It stays when the settings have no way out any more: there can
still be bridges of earlier ones. See `Firewall`.
"""

import base64
import hashlib
from collections.abc import Iterable

from bot.core.admission.egress import reachable
from bot.model.egress import EgressRule
from bot.runners.docker.firewall import NEW, OWN, Rule


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
    """Return the rules for all bridges with a way out; each is placed before those that precede it here.

    Those after the first three allow something, none of them a metadata service: their order does not matter.
    """
    all_of = ("-i", f"{bridges(instance)}+")
    return (
        ("INPUT", (*all_of, *NEW)),
        (_chain(instance), (*all_of, "-j", "DROP")),
        # With bridge-nf-call-iptables, what containers of one environment send each other passes here too.
        ("FORWARD", (*all_of, "!", "-o", f"{bridges(instance)}+", "-j", _chain(instance))),
        *(allowed for rule in rules for allowed in _allowed(instance, rule)),
    )


def _allowed(instance: str, rule: EgressRule) -> Iterable[Rule]:
    of = ("-i", f"{bridges_of(instance, rule)}+")
    for cidr in reachable(rule.cidrs):
        yield _chain(instance), (*of, "-d", cidr, "-j", "RETURN")
    for address in rule.resolvers:
        for protocol in ("udp", "tcp"):
            yield (
                _chain(instance),
                (*of, "-d", f"{address}/32", "-p", protocol, "--dport", "53", "-j", "RETURN"),
            )


def _chain(instance: str) -> str:
    return f"{OWN}{bridges(instance)}"


def _digest(text: str, length: int) -> str:
    """Return lower-case letters and digits, five bits each."""
    found = base64.b32encode(hashlib.sha256(text.encode()).digest())
    return found[:length].decode().lower()
