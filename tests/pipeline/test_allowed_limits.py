"""What the operator allows the containers of tests and services."""

from textwrap import dedent

import pytest

from bot.model.container_limits import ContainerMaximum
from bot.model.pipeline import Pipeline
from bot.model.views import ConfigBroken
from bot.pipeline import config_file
from bot.pipeline.compose.project import FilesNeeded

MOST = {"docker": ContainerMaximum("2g", 1.5), "kubernetes": ContainerMaximum("4g", 1.0)}


def within(text: str) -> Pipeline | ConfigBroken | FilesNeeded:
    content = dedent(text).encode()
    return config_file.read(content, file=".chatops.yml", ref="main", known_commands=frozenset(), most=MOST)


@pytest.mark.parametrize(
    "text",
    [
        "test: {memory: 2g, cpu: 1.5}",
        "test: {memory: 2048m}",
        "test: {runner: kubernetes, memory: 4g, cpu: 1}",
        "test: {runner: jenkins, job: a, memory: 64g, cpu: 64}",
        "test: {}",
        "deploy: {port: 80}",
        "services: {db: {image: x, memory: 2g}}",
        "{deploy: {runner: kubernetes}, services: {db: {image: x, memory: 4g}}}",
        "deploy: {memory: 64g}",
        "",
    ],
)
def test_containers_may_have_what_the_operator_allows(text: str) -> None:
    assert isinstance(within(text), Pipeline)


@pytest.mark.parametrize(
    ("text", "where", "column", "message"),
    [
        ("test: {memory: 2049m}", "test.memory", 16, "The operator allows at most 2g."),
        ("test: {cpu: 2}", "test.cpu", 13, "The operator allows at most 1.5."),
        (
            "test: {runner: kubernetes, cpu: 1.5}",
            "test.cpu",
            33,
            "The operator allows at most 1.",
        ),
        (
            "services: {db: {image: x, memory: 3g}}",
            "services.db.memory",
            35,
            "The operator allows at most 2g.",
        ),
        ("test: {memory: 9999g}", "test.memory", 16, "Expected a memory size from 16m to 64g"),
        ("test: {cpu: many}", "test.cpu", 13, "Expected a number of CPUs"),
    ],
)
def test_more_than_the_operator_allows_has_its_place(
    text: str, where: str, column: int, message: str
) -> None:
    found = within(text)

    assert isinstance(found, ConfigBroken)
    (problem,) = found.problems
    assert (problem.line, problem.column, problem.where) == (1, column, where)
    assert problem.message.en.startswith(message)


@pytest.mark.parametrize(
    "text",
    [
        *("test: [a]", "test:", "[]", "test: {runner: [a], cpu: 2}", "test: {cpu: [2]}"),
        *("services: [a]", "services: {db: [a]}", "services: {db: {memory: [3g]}}"),
    ],
)
def test_what_is_no_text_is_left_to_the_other_checks(text: str) -> None:
    found = within(text)

    assert not isinstance(found, ConfigBroken) or "operator" not in found.problems[0].message.en
