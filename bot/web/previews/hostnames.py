"""Reads the label that names a preview from an untrusted Host header. Pure."""

import re

LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")


def bare_host(host: str) -> str:
    """Return a hostname in lower case without port and trailing dot."""
    name = host.strip().lower()
    head, colon, port = name.rpartition(":")
    if colon and (port.isdigit() or not port):
        name = head
    return name.removesuffix(".")


def preview_label(host: str, domain: str) -> str | None:
    """Return the single label before the preview domain, or None if the host has another form."""
    parent = bare_host(domain)
    label = bare_host(host).removesuffix(f".{parent}")
    if label == bare_host(host) or not LABEL.fullmatch(label):
        return None
    return label
