"""Helm 3 and Helm 4, from the cache of the cluster tests."""

import sys
from functools import cache
from pathlib import Path

LOCAL = Path(__file__).parents[2] / "deploy/local"


@cache
def both_helms() -> Path:
    """Return the folder with `helm` and `helm4`, which are fetched if necessary."""
    if str(LOCAL) not in sys.path:
        sys.path.insert(0, str(LOCAL))
    import machine  # noqa: PLC0415 - it is found only now

    from tests.cluster.local import binaries  # noqa: PLC0415 - it imports `machine`

    machine.STATE.mkdir(parents=True, exist_ok=True)
    return binaries.both_helms()
