import pytest

from bot.runners.kubernetes.pure.chart_values import allowed, refused, tree, typed


def test_paths_become_a_tree_and_facts_override_values() -> None:
    chosen = {"web.replicas": "2", "web.image": "theirs", "hosts[1].name": "b", "list[0]": "x", "on": "true"}
    facts = {"web.image.tag": "12", "on": "fact"}

    assert tree(chosen, facts) == {
        "web": {"replicas": 2, "image": {"tag": "12"}},
        "hosts": [None, {"name": "b"}],
        "list": ["x"],
        "on": "fact",
    }


def test_a_path_replaces_a_conflicting_value() -> None:
    assert tree({"a": "1", "a.b": "2", "c.d": "3", "c[0]": "4", "": "5"}, {}) == {"a": {"b": 2}, "c": [4]}
    assert tree({"a[0].x": "1", "a[0].y": "2"}, {}) == {"a": [{"x": 1, "y": 2}]}


@pytest.mark.parametrize(
    ("text", "value"),
    [("true", True), ("false", False), ("null", None), ("-1", -1), ("007", "007"), ("1.5", "1.5"), ("", "")],
)
def test_values_are_typed_as_by_helm(text: str, value: object) -> None:
    assert typed(text) == value


def test_the_operator_limits_the_values_of_a_repository() -> None:
    assert refused(["web.replicas", "pod.hostPID"], ["*", "!pod.*"]) == "pod.hostPID"
    assert refused(["web.replicas"], ["*", "!pod.*"]) is None
    assert refused(["web.replicas"], []) == "web.replicas"
    assert allowed("oci://harbor.example.com/charts/shop:1", ["oci://harbor.example.com/charts/*"])
    assert not allowed("oci://evil.example.com/x", ["oci://harbor.example.com/charts/*"])


@pytest.mark.parametrize(
    "path", ["../private/x.tgz", "..:1", "a/..", "./x", "%2e%2e/private/x.tgz", "x.tgz?y", "x#y", "..\\x"]
)
def test_no_chart_url_leaves_the_allowed_folder(path: str) -> None:
    assert allowed("https://charts.example.com/ours/a..b/x.tgz", ["https://charts.example.com/ours/*"])
    assert not allowed(f"https://charts.example.com/ours/{path}", ["https://charts.example.com/ours/*"])
