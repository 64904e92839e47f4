"""The reference and the JSON schema of `.chatops.yml` are current."""

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from bot.model.pipeline import Pipeline
from bot.model.text import Language
from bot.pipeline import config_file, json_schema, shape
from tools import compose_reference, pipeline_reference

ROOT = Path(__file__).parents[2]
PAGES = {
    "docs/pipeline.schema.json": lambda: json.dumps(json_schema.schema(), indent=2) + "\n",
    "docs/pipeline.md": lambda: pipeline_reference.reference(Language.EN),
    "docs/pipeline.zh.md": lambda: pipeline_reference.reference(Language.ZH),
    "docs/compose.md": lambda: compose_page("docs/compose.md", Language.EN),
    "docs/compose.zh.md": lambda: compose_page("docs/compose.zh.md", Language.ZH),
}


def compose_page(page: str, language: Language) -> str:
    return compose_reference.completed((ROOT / page).read_text(encoding="utf-8"), language)


COMMANDS = frozenset({"build", "deploy", "test", "teardown"})


@pytest.mark.parametrize("page", PAGES)
def test_pages_are_current(page: str, request: pytest.FixtureRequest) -> None:
    """`pytest tests/docs/test_pipeline_reference.py --update-golden` updates them."""
    file, text = ROOT / page, PAGES[page]()
    if request.config.getoption("--update-golden"):
        file.write_text(text, encoding="utf-8")
    assert file.read_text(encoding="utf-8") == text


def test_every_key_is_described_in_chinese_and_nothing_else() -> None:
    assert list(pipeline_reference.CHINESE) == [".".join(key.path) for key in shape.entries()]


@pytest.mark.parametrize("language", Language)
def test_the_reference_names_every_key(language: Language) -> None:
    page = pipeline_reference.reference(language)

    assert all(f"| `{'.'.join(key.path)}` |" in page for key in shape.entries())


def test_every_field_has_a_sentence() -> None:
    assert all(sentence.endswith(".") for sentence in json_schema.descriptions().values())


def valid(text: str) -> bool:
    found = jsonschema.Draft202012Validator(json_schema.schema())
    # PyYAML speaks YAML 1.1, where `on` is a boolean; editors speak 1.2.
    document = yaml.load(re.sub(r"(?m)^on:", '"on":', text), yaml.SafeLoader)
    return bool(found.is_valid(document))


def accepted(text: str) -> bool:
    found = config_file.read(text.encode(), file="f", ref="r", known_commands=COMMANDS)
    return isinstance(found, Pipeline)


@pytest.mark.parametrize(
    "text",
    [
        pipeline_reference.EXAMPLE,
        (ROOT / "playground/demo/.chatops.yml").read_text(encoding="utf-8"),
        "{}",
        "deploy: {env: {PORT: 8080, DEBUG: true}, port: null, health: {timeout: 5}}",
        "services: {db: {image: x}}",
        "services: {db: {image: x}, api: {image: y, port: 80, health: {path: /}, depends_on: [db]}}",
    ],
)
def test_schema_and_bot_accept_the_same_files(text: str) -> None:
    assert valid(text)
    assert accepted(text)


@pytest.mark.parametrize(
    "text",
    [
        "versin: 1",
        "version: 2",
        "build: {timeout: 0}",
        "build: {runner: podman}",
        "build: {args: {A: [1]}}",
        "deploy: {port: 70000}",
        "deploy: {enabled: perhaps}",
        "services: {db: {}}",
        "on: {open: build}",
        "language: fr",
    ],
)
def test_schema_and_bot_refuse_the_same_files(text: str) -> None:
    assert not valid(text)
    assert not accepted(text)


def test_the_schema_repeats_no_titles_but_keeps_keys_of_that_name() -> None:
    def titles(node: Any) -> int:
        if isinstance(node, dict):
            return ("title" in node) + sum(map(titles, node.values()))
        return sum(map(titles, node)) if isinstance(node, list) else 0

    assert titles(json_schema.schema()) == 1
