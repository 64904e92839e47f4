"""Which objects and events of a namespace belong to the current deployment."""

from typing import Any

import pytest

from bot.runners.kubernetes.pure import objects


def event(uid: str, **when: Any) -> dict[str, Any]:
    return {"involvedObject": {"kind": "Pod", "name": "web-0", "uid": uid}, **when}


def test_events_belong_to_existing_objects_and_are_in_order() -> None:
    last = event("new", lastTimestamp="2026-05-01T12:00:09Z")
    first = event("new", eventTime="2026-05-01T12:00:01.000000Z")
    again = event(
        "new", series={"lastObservedTime": "2026-05-01T12:00:05.000000Z"}, eventTime="2026-05-01T11"
    )
    timeless = event("new")
    stranger = event("old", lastTimestamp="2026-05-01T12:00:03Z")

    found = objects.events_about([last, first, stranger, again, timeless, {}], [{"metadata": {"uid": "new"}}])

    assert found == [timeless, first, again, last]


def replica_set(uid: str, revision: str = "", whose: str = "d") -> dict[str, Any]:
    notes = {"annotations": {"deployment.kubernetes.io/revision": revision}} if revision else {}
    owners = [{"uid": "someone"}, {"uid": whose, "controller": True}] if whose else []
    return {"metadata": {"uid": uid, "ownerReferences": owners, **notes}}


def deployment(observed: int) -> dict[str, Any]:
    return {"metadata": {"uid": "d", "generation": 2}, "status": {"observedGeneration": observed}}


@pytest.mark.parametrize(("observed", "former"), [(2, {"a", "b"}), (1, {"a", "b", "c"})])
def test_the_newest_replica_set_of_a_deployment_counts_once_it_can_exist(
    observed: int, former: set[str]
) -> None:
    sets = [replica_set("a"), replica_set("c", "10"), replica_set("b", "9")]
    others = [replica_set("x", "1", "another"), replica_set("y", whose=""), {"metadata": {"uid": "z"}}]

    assert objects.former([*sets, *others], [deployment(observed)]) == former


@pytest.mark.parametrize(
    ("kind", "status", "over"),
    [
        ("Failed", "True", True),
        ("Complete", "True", True),
        ("Failed", "False", False),
        ("Other", "True", False),
    ],
)
def test_a_job_has_ended_when_its_condition_says_so(kind: str, status: str, *, over: bool) -> None:
    assert objects.is_over({"status": {"conditions": [{"type": kind, "status": status}]}}) is over
    assert not objects.is_over({})
