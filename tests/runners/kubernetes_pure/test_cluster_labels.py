import re
from datetime import UTC, datetime

import pytest

from bot.core import naming
from bot.model.environment import EnvironmentKey, PublicService
from bot.model.forge import RepoPath
from bot.runners.kubernetes.pure import cluster_labels

KEY = EnvironmentKey(RepoPath("我的组织", "我的店"), 12, "预发 staging")
VALUE = re.compile(r"([A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?)?")


def test_labels_are_valid_and_full_names_are_annotations() -> None:
    run = naming.labels(KEY, sha="a" * 40, run=7)

    labels = cluster_labels.all_of("bot", KEY, run)

    assert all(VALUE.fullmatch(value) for value in labels.values())
    assert labels["chatops.number"] == "12"
    assert labels["chatops.run"] == "7"
    assert labels["chatops.environment"] == "staging"
    assert "chatops.repo" not in labels


def test_an_environment_is_selected_by_pull_request_and_by_name() -> None:
    labels = cluster_labels.all_of("bot", KEY, {})

    assert cluster_labels.of_pull("bot", KEY.repo, 12).items() <= labels.items()
    assert cluster_labels.of_environment("bot", KEY).items() <= labels.items()
    assert not cluster_labels.of_pull("bot", KEY.repo, 1).items() <= labels.items()
    assert not cluster_labels.of_pull("other", KEY.repo, 12).items() <= labels.items()


def test_annotations_show_owner_and_expiry() -> None:
    until = datetime(2026, 5, 1, 12, tzinfo=UTC)

    assert cluster_labels.annotations(KEY, owner="mei", expires=until) == {
        "chatops.repo": "我的组织/我的店",
        "chatops.environment": "预发 staging",
        "chatops.owner": "mei",
        "chatops.expires": "2026-05-01T12:00:00+00:00",
    }
    services = (PublicService("api", 9000), PublicService("docs", 80, "/docs"))
    found = cluster_labels.annotations(KEY, owner="", expires=None, services=services)
    assert found["chatops.public"] == "api:9000,docs:80/docs"
    assert set(cluster_labels.annotations(KEY, owner="", expires=None)) == {
        "chatops.repo",
        "chatops.environment",
    }


def test_labels_in_a_query() -> None:
    assert cluster_labels.selector({"a": "1", "b": "2"}) == "a=1,b=2"
    assert cluster_labels.pod_security("restricted")["pod-security.kubernetes.io/enforce"] == "restricted"


def test_a_namespace_says_who_owns_it_until_when() -> None:
    until = datetime(2026, 5, 1, 12, 0, 0, 5, tzinfo=UTC)
    assert cluster_labels.owned("mine4567", until) == {
        "chatops.owned-by": "mine4567",
        "chatops.owned-until": "2026-05-01T12:00:00+00:00",
    }


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("app:8080", ("app", 8080)),
        ("my-shop2:80", ("my-shop2", 80)),
        ("", None),
        ("app", None),
        ("app:", None),
        ("app:x", None),
        ("app:123456", None),
        ("../secrets/x:80", None),
        ("app/x:80", None),
        ("App:80", None),
        ("-app:80", None),
        ("app-:80", None),
        ("app:80\n", None),
        (f"{'a' * 64}:80", None),
    ],
)
def test_an_entry_annotation_names_a_service_and_a_port(text: str, found: tuple[str, int] | None) -> None:
    assert cluster_labels.entry(text) == found


@pytest.mark.parametrize("metadata", [{}, {"labels": None}])
def test_an_object_without_labels_has_none(metadata: dict[str, object]) -> None:
    assert cluster_labels.labels_of({"metadata": metadata}) == {}
