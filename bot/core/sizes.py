"""Amounts of memory and storage as people write them, such as `512m`."""

import re

_UNITS = {"": 0, "k": 10, "m": 20, "g": 30}


def parse(text: str) -> int:
    """Return the bytes of `512m`, `512mb`, `2G` or `1024`. Raises ValueError for anything else.

    Units are powers of 1024. Kubernetes reads its own quantities differently: to it, `512m` is half a byte.
    """
    found = re.fullmatch(r"([0-9]+)([kmg]?)b?", text, re.ASCII | re.IGNORECASE)
    if found is None:
        raise ValueError(f"not a size: {text!r}")
    return int(found[1]) << _UNITS[found[2].lower()]
