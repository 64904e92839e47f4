"""Chooses the port that a preview shows, among those that an image EXPOSEs."""

from collections.abc import Sequence

PREFERRED = (80, 8080, 3000, 8000, 5000)
"""The usual ports of web servers; the first that is exposed is taken, wherever it is in the list."""
ENCRYPTED = frozenset({443, 8443})
"""The proxy speaks HTTP with previews, so ports for HTTPS come last."""


def web_port(exposed: Sequence[int]) -> int | None:
    """Return the port; without a usual one it is the first that is not for HTTPS. None if there are none."""
    usual = [port for port in PREFERRED if port in exposed]
    plain = [port for port in exposed if port not in ENCRYPTED]
    return next(iter((*usual, *plain, *exposed)), None)
