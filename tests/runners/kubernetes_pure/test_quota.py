"""A quota that still counts pods which are gone; messages of a real API server."""

from decimal import Decimal
from typing import Any

import pytest

from bot.model.reason import Reason
from bot.runners.kubernetes.pure import quota, rollout_status
from bot.runners.kubernetes.pure.objects import NamespaceState
from tests.runners.kubernetes_pure.test_rollout_status import event, workload

REFUSAL = (
    'create Pod web-0 in StatefulSet web failed error: pods "web-0" is forbidden: exceeded quota: chatops,'
    " requested: limits.memory=268435456, used: limits.memory=536870912, limited: limits.memory=734003200"
)


def pod(*memory: str, init: tuple[str, ...] = ()) -> dict[str, Any]:
    def containers(amounts: tuple[str, ...]) -> list[dict[str, Any]]:
        return [{"name": "main", "resources": {"limits": {"memory": one}}} for one in amounts]

    return {
        "metadata": {"name": "x"},
        "spec": {"containers": containers(memory), "initContainers": containers(init)},
    }


@pytest.mark.parametrize(
    ("pods", "more"),
    [
        ((), True),
        ((pod("256Mi"),), True),
        ((pod("256Mi"), pod("128Mi", "128Mi")), False),
        ((pod("512Mi"),), False),
        ((pod("100Mi", init=("512Mi", "1")),), False),
        (({"metadata": {"name": "x"}}, {"spec": {"containers": [{"name": "main"}]}}), True),
    ],
)
def test_what_is_counted_is_compared_with_what_is_there(pods: tuple[Any, ...], *, more: bool) -> None:
    assert quota.counts_more(REFUSAL, pods) is more


@pytest.mark.parametrize(
    ("used", "pods", "more"),
    [
        ("pods=2", 2, False),
        ("pods=2", 1, True),
        ("requests.cpu=20m,pods=1", 1, True),
        ("requests.storage=5Gi", 0, True),
        ("services=3,count/jobs.batch=1", 0, False),
        ("limits.memory=a.b,pods", 0, False),
    ],
)
def test_every_resource_that_pods_have_is_compared(used: str, pods: int, *, more: bool) -> None:
    refusal = f"exceeded quota: chatops, requested: pods=1, used: {used}, limited: pods=2"
    assert quota.counts_more(refusal, [pod("1Mi")] * pods) is more


def test_a_refusal_without_figures_counts_nothing() -> None:
    assert not quota.counts_more("maximum memory usage per Container is 2Gi", ())


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1k", 1000),
        ("1Ki", 1024),
        ("1.5G", 1_500_000_000),
        ("2Ei", 2 << 60),
        ("1.2.3", 0),
        ("-1", 0),
        (None, 0),
    ],
)
def test_quantities(text: object, number: int) -> None:
    assert quota.amount(text) == number
    assert quota.amount(None) == 0
    assert quota.amount("100m") == Decimal("0.1")


def test_a_quota_that_counts_what_is_gone_is_an_uncertain_problem() -> None:
    refused = event("FailedCreate", REFUSAL, "web", "StatefulSet")
    state = NamespaceState(workloads=[workload("StatefulSet")], events=[refused])

    assert rollout_status.fatal(state) is None
    found = rollout_status.transient(state)
    assert found is not None
    assert found.reason is Reason.QUOTA_EXCEEDED
    full = NamespaceState(workloads=state.workloads, events=state.events, pods=[pod("512Mi")])
    assert rollout_status.fatal(full) is not None
