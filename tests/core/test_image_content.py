"""What an image with `paths` is made of."""

from dataclasses import replace
from typing import Any

import pytest

from bot.core.deciding.image_content import always, built_before, content, facts
from bot.model.pipeline import BuildConfig
from bot.model.run import Image

FILES = {"web/page": "1", "web/doc.md": "2", "api/main": "3", "web/Dockerfile": "4"}
PATTERNS = ("web/", "!*.md")
CONFIG = BuildConfig(context="web", paths=PATTERNS)
DOCKERFILE = "web/Dockerfile"
FACTS = facts(CONFIG, DOCKERFILE, trusted=True)
IMAGE = Image("registry/shop/web:pr-1-abababab", "sha256:1", 1, "ab" * 20, name="web", content="c")


def listing(files: dict[str, str]) -> bytes:
    return b"".join(f"100644 blob {id_}\t{path}\0".encode() for path, id_ in sorted(files.items()))


def hashed(config: BuildConfig = CONFIG, *changed: str, trusted: bool = True) -> str:
    named = dict.fromkeys(changed, "9")
    chosen = always(config, DOCKERFILE)
    return content(listing(FILES | named), config.paths, chosen, facts(config, DOCKERFILE, trusted=trusted))


def test_only_chosen_files_count() -> None:
    assert hashed() == hashed(CONFIG, "api/main") == hashed(CONFIG, "web/doc.md") == hashed(CONFIG, "api/new")
    assert hashed() not in {hashed(CONFIG, "web/page"), hashed(CONFIG, "web/new")}


@pytest.mark.parametrize("path", [DOCKERFILE, f"{DOCKERFILE}.dockerignore", "web/.dockerignore"])
def test_what_decides_about_the_context_always_counts(path: str) -> None:
    config = replace(CONFIG, paths=("api/",))
    assert hashed(config) != hashed(config, path)


@pytest.mark.parametrize(
    "changed",
    [
        {"context": "."},
        {"target": "prod"},
        {"args": {"A": "1"}},
        {"inline": "FROM a"},
        {"files": {"/a": "a"}},
        {"secrets": ("npm",)},
    ],
)
def test_how_it_is_built_counts(changed: dict[str, Any]) -> None:
    assert hashed() != hashed(replace(CONFIG, **changed))


def test_an_image_of_an_untrusted_commit_is_another_one() -> None:
    assert hashed() != hashed(trusted=False)


def test_names_that_are_not_text_count() -> None:
    strange = b"100644 blob 1\tweb/\xff\0"
    assert content(strange, PATTERNS, (), FACTS) != content(b"", PATTERNS, (), FACTS)


def test_the_ignore_file_of_the_root() -> None:
    assert always(BuildConfig(), "Dockerfile")[2] == ".dockerignore"


@pytest.mark.parametrize(
    ("name", "wanted", "found"), [("web", "c", (IMAGE,)), ("api", "c", ()), ("web", "d", ())]
)
def test_images_of_the_same_name_and_content_are_found(
    name: str, wanted: str, found: tuple[Image, ...]
) -> None:
    assert built_before((IMAGE,), name, wanted) == found


def test_each_image_that_was_built_is_found_once() -> None:
    again = replace(IMAGE, sha="2" * 40, built_from=IMAGE.sha)
    newer = replace(IMAGE, reference=f"{IMAGE.reference}-2")
    assert set(built_before((IMAGE, newer, again), "web", "c")) == {IMAGE, newer}


def test_an_image_whose_content_is_unknown_is_not_found() -> None:
    assert built_before((replace(IMAGE, content=""),), "web", "") == ()
