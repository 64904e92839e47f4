"""Every key of the published Compose Specification is used, ignored or refused; other keys are unknown."""

import json
import pathlib
from collections import Counter

import pytest

from bot.pipeline.compose.keys import TABLES, check, cleaned
from bot.pipeline.yaml_tree import Path, Tree

PUBLISHED = json.loads(pathlib.Path(__file__).with_name("published_keys.json").read_text(encoding="utf-8"))
"""The keys of each kind of mapping in the published schema; `source` says in which version of it."""


@pytest.mark.parametrize("place", PUBLISHED["keys"])
def test_every_published_key_is_in_exactly_one_table(place: str) -> None:
    keys = TABLES[tuple(filter(None, place.split(".")))]
    assert Counter((*keys.used, *keys.ignored, *keys.refused)) == Counter(PUBLISHED["keys"][place])


def test_there_are_no_other_tables() -> None:
    assert {".".join(path) for path in TABLES} == PUBLISHED["keys"].keys()


def test_what_nothing_reads_is_removed() -> None:
    tree: Tree = {
        "version": "3",
        "x-common": {"a": "b"},
        "services": {"x-web": {"restart": "always", "privileged": "false", "image": "web", "x-y": None}},
        "volumes": {"data": {"external": None, "driver": "local"}},
    }
    assert cleaned(tree) == {"services": {"x-web": {"image": "web"}}, "volumes": {"data": {}}}


@pytest.mark.parametrize(
    ("tree", "path", "message", "guess"),
    [
        ({"service": {}}, ("service",), "Unknown key", "services"),
        ({"include": ["a"]}, ("include",), "Not supported: write the services", ""),
        (
            {"services": {"a": {"ports": [{"targt": "1"}]}}},
            ("services", "a", "ports", 0, "targt"),
            "Unknown",
            "target",
        ),
        ({"services": {"a": {"pid": "host"}}}, ("services", "a", "pid"), "Not allowed: each container", ""),
        (
            {"volumes": {"a": {"external": "true"}}},
            ("volumes", "a", "external"),
            "Not supported: a preview",
            "",
        ),
    ],
)
def test_refused_and_unknown_keys_are_named(tree: Tree, path: Path, message: str, guess: str) -> None:
    ((found, text, meant),) = check(cleaned(tree))
    assert (found, meant) == (path, guess)
    assert text.en.startswith(message)


def test_names_that_the_author_chooses_are_no_keys() -> None:
    assert not list(
        check({"services": {"web": {"environment": {"privileged": "1"}, "depends_on": {"b": {}}}}})
    )
