"""`deploy.data` and the commands of `deploy.setup`: what they mean, and what is refused where."""

import jsonschema
import pytest

from bot.model.pipeline import DataLifetime, DeployConfig, Pipeline, SetupCommand, SetupTime
from bot.model.views import ConfigBroken
from bot.pipeline import json_schema
from bot.pipeline.config_file import read
from tests.pipeline.compose.reading import pipeline

DB = "services:\n  db: {image: 'postgres:16', volumes: [/data]}\n"
SETUP = "deploy:\n  data: keep\n  setup:\n"


def reading(text: str) -> Pipeline | ConfigBroken:
    found = read(text.encode(), file="f", ref="master", known_commands=frozenset())
    assert not isinstance(found, tuple)
    return found  # type: ignore[return-value] # no Compose file is named


def problem(text: str) -> tuple[int, int, str, str, str]:
    found = reading(text)
    assert isinstance(found, ConfigBroken), found
    (only,) = found.problems
    return only.line, only.column, only.where, only.message.en, only.suggestion


def test_texts_and_sections_are_commands() -> None:
    text = f"{DB}{SETUP}    - migrate\n    - {{run: 'psql -h db < /x', service: db, when: fresh}}\n"
    found = reading(text)
    assert isinstance(found, Pipeline)
    assert found.deploy.data is DataLifetime.KEEP
    assert found.deploy.setup == (
        SetupCommand("migrate"),
        SetupCommand("psql -h db < /x", "db", SetupTime.FRESH),
    )


def test_data_is_fresh_unless_the_file_says_otherwise() -> None:
    assert DeployConfig().data is DataLifetime.FRESH


@pytest.mark.parametrize(
    ("command", "place", "message", "guess"),
    [
        ("{run: a, servce: b}", (6, 16, "deploy.setup.1.servce"), "Unknown key. Known: run, ", "service"),
        ("{service: db}", (6, 7, "deploy.setup.1"), "run is required: the command.", ""),
        ("{run: a, when: frsh}", (6, 22, "deploy.setup.1.when"), "Expected one of: always, fresh.", "fresh"),
        ("{run: a, service: databse}", (6, 25, "deploy.setup.1.service"), "There is no", "database"),
        ("{run: ' '}", (6, 13, "deploy.setup.1.run"), "Must not be empty.", ""),
        ("[a]", (6, 7, "deploy.setup.1"), "Expected text or keys: the command", ""),
    ],
)
def test_mistakes_in_commands(command: str, place: tuple[int, int, str], message: str, guess: str) -> None:
    found = reading(f"{DB}{SETUP}    - {command}\n".replace("  db:", "  database:"))
    assert isinstance(found, ConfigBroken)
    one = next(each for each in found.problems if each.where == place[2])
    assert (one.line, one.column) == place[:2]
    assert one.message.en.startswith(message)
    assert one.suggestion == guess


@pytest.mark.parametrize(
    ("deploy", "column", "message"),
    [
        ("data: keep, runner: kubernetes, chart: c", 10, "Not allowed beside chart, manifests or a job"),
        ("data: keep, runner: kubernetes, manifests: c", 10, "Not allowed beside chart, manifests or a job"),
        ("data: keep, runner: jenkins, job: j", 10, "Not allowed beside chart, manifests or a job"),
        ("setup: [{run: a, when: fresh}]", 27, "Only with deploy.data: keep"),
        ("data: fresh, setup: [{run: a, when: fresh}]", 40, "Only with deploy.data: keep"),
    ],
)
def test_what_does_not_go_together(deploy: str, column: int, message: str) -> None:
    line, at, _, said, _ = problem(f"deploy: {{{deploy}}}\n{DB}")
    assert (line, at) == (1, column)
    assert said.startswith(message)


@pytest.mark.parametrize("services", ["", "services: {db: {image: x}}\n"])
def test_without_volumes_there_is_nothing_to_keep(services: str) -> None:
    assert problem(f"deploy: {{data: keep}}\n{services}")[:4] == (
        1,
        10,
        "deploy.data",
        "There is no data to keep: name its folders under services.NAME.volumes.",
    )


def test_the_services_of_a_compose_file_count() -> None:
    compose = (
        "services: {web: {build: ., ports: [80]}, db: {image: x, volumes: ['d:/data']}}\nvolumes: {d: }\n"
    )
    own = "deploy: {compose: docker-compose.yml, data: keep, setup: [{run: a, service: db, when: fresh}]}\n"
    found = pipeline(compose, own)
    assert found.deploy.data is DataLifetime.KEEP
    assert found.deploy.setup == (SetupCommand("a", "db", SetupTime.FRESH),)


@pytest.mark.parametrize(
    ("setup", "fits"),
    [(["a", {"run": "b", "service": "db"}], True), ([{"service": "db"}], False), ([1], False)],
)
def test_editors_know_both_forms(setup: list[object], *, fits: bool) -> None:
    found = jsonschema.Draft202012Validator(json_schema.schema())
    assert found.is_valid({"deploy": {"setup": setup}}) is fits
