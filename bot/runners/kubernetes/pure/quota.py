"""Whether a quota counts more than there is: what is gone is subtracted a moment later. Pure."""

import re
from collections.abc import Iterable
from decimal import Decimal, InvalidOperation

from bot.runners.kubernetes.pure.objects import Object

_USED = re.compile(r"used: (\S+?)(?:, |$)")
_QUANTITY = re.compile(r"([0-9.]+)([EPTGMk]i?|Ki|m)?")
_UNITS = {"": Decimal(1), "m": Decimal("0.001")}
_UNITS |= {unit: Decimal(1000) ** power for power, unit in enumerate("kMGTPE", start=1)}
_UNITS |= {f"{unit}i": Decimal(1024) ** power for power, unit in enumerate("KMGTPE", start=1)}


def counts_more(refusal: str, pods: Iterable[Object]) -> bool:
    """Return whether a refusal by a quota counts more of a resource than these pods have.

    Until the cluster has subtracted pods that are deleted, and creations that failed after they were counted,
    the refusal says nothing about the pod that was refused.
    """
    found = _USED.search(refusal)
    used = (pair.partition("=") for pair in found[1].split(",")) if found else ()
    there = list(pods)
    return any(
        amount(text) > sum(_of_pod(pod, resource) for pod in there)
        for resource, _, text in used
        if resource == "pods" or resource.startswith(("limits.", "requests."))
    )


def amount(text: object) -> Decimal:
    """Return a quantity as a number; 0 for what is none.

    >>> amount("256Mi"), amount("20m"), amount(2), amount("much")
    (Decimal('268435456'), Decimal('0.020'), Decimal('2'), Decimal('0'))
    """
    found = _QUANTITY.fullmatch(str(text))
    try:
        return Decimal(found[1]) * _UNITS[found[2] or ""] if found else Decimal(0)
    except InvalidOperation:
        return Decimal(0)


def _of_pod(pod: Object, resource: str) -> Decimal:
    """Return what a pod has of a resource: what its containers have together, or an init container alone."""
    if resource == "pods":
        return Decimal(1)
    kind, _, name = resource.partition(".")
    spec = pod.get("spec") or {}
    each, first = (
        [amount(((one.get("resources") or {}).get(kind) or {}).get(name)) for one in spec.get(part) or ()]
        for part in ("containers", "initContainers")
    )
    return max(sum(each, Decimal(0)), *first, Decimal(0))
