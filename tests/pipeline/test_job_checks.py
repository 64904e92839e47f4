"""The keys of `.chatops.yml` that only Jenkins jobs have."""

import pytest

from bot.model.pipeline import Pipeline, RunnerName
from bot.model.views import ConfigBroken
from bot.pipeline import config_file
from bot.pipeline.compose.project import FilesNeeded

VALID = """\
build:
  runner: jenkins
  job: folder/build-image
  parameters:
    REF: "{ref}"
    DEPTH: 1
    json.value: '{"sha": "{sha}"}'
deploy: {runner: jenkins, job: "shop/{branch}", artifacts: [out/*.env]}
test: {runner: jenkins, job: "shop/PR-{number}"}
teardown: {runner: jenkins, job: down, timeout: 60}
"""


def read(text: str) -> Pipeline | ConfigBroken | FilesNeeded:
    return config_file.read(text.encode(), file="f", ref="r", known_commands=frozenset())


def test_jobs_and_their_parameters_are_read() -> None:
    found = read(VALID + "on: {open: [], update: [], close: []}\n")
    assert isinstance(found, Pipeline)
    assert found.build.parameters == {"REF": "{ref}", "DEPTH": "1", "json.value": '{"sha": "{sha}"}'}
    assert found.deploy.artifacts == ("out/*.env",)
    assert (found.teardown.runner, found.teardown.job) == (RunnerName.JENKINS, "down")


@pytest.mark.parametrize(
    ("text", "where", "line", "column", "words"),
    [
        ("build: {runner: jenkins}", "build.runner", 1, 9, "job is required"),
        ("build: {job: a/b}", "build.job", 1, 9, "allowed with runner: jenkins"),
        ("test:\n  runner: docker\n  parameters: {A: b}", "test.parameters", 3, 3, "allowed with runner"),
        ("build: {runner: jenkins, job: a//b}", "build.job", 1, 31, "full name of a job"),
        ("build: {runner: jenkins, job: ../a}", "build.job", 1, 31, "full name of a job"),
        ("build: {runner: jenkins, job: ' a'}", "build.job", 1, 31, "full name of a job"),
        ("build: {runner: jenkins, job: 'a?b'}", "build.job", 1, 31, "full name of a job"),
        ("build: {runner: jenkins, job: 'a/{title}'}", "build.job", 1, 31, "Unknown placeholder {title}"),
        ("build:\n  runner: jenkins\n  job: a\n  parameters:\n    A: '{shaa}'",
         "build.parameters.A", 5, 8, "Unknown placeholder {shaa}"),
        ("build: {runner: jenkins, job: a, parameters: {CHATOPS_RUN: x}}",
         "build.parameters.CHATOPS_RUN", 1, 47, "reserved for the bot"),
        ("build: {runner: jenkins, job: a, parameters: {chatops_Credentials: x=prod}}",
         "build.parameters.chatops_Credentials", 1, 47, "reserved for the bot"),
        ("build: {runner: jenkins, job: a, parameters: {'a b': x}}",
         "build.parameters.a b", 1, 47, "parameter name"),
        (f"build: {{runner: jenkins, job: a, parameters: {{A: {'x' * 2001}}}}}",
         "build.parameters.A", 1, 50, "At most 2000"),
        ("deploy: {timeout: 0}", "deploy.timeout", 1, 19, "from 1 to 7200"),
        ("teardown: {runner: jenkins}", "teardown.runner", 1, 12, "job is required"),
    ],
)  # fmt: skip
def test_errors_have_positions(text: str, where: str, line: int, column: int, words: str) -> None:
    found = read(f"{text}\non: {{open: [], update: [], close: []}}\n")
    assert isinstance(found, ConfigBroken)
    (problem,) = found.problems
    assert (problem.where, problem.line, problem.column) == (where, line, column)
    assert words in problem.message.en


def test_sections_of_a_wrong_type_are_reported_with_the_type() -> None:
    found = read("build: [jenkins]\n")
    assert isinstance(found, ConfigBroken)
    assert [problem.where for problem in found.problems] == ["build"]


def test_a_merge_is_not_built_by_a_job() -> None:
    found = read("ref: merge\nbuild: {runner: jenkins, job: a}\n")
    assert isinstance(found, ConfigBroken)
    (one,) = found.problems
    assert (one.line, one.where) == (1, "ref")
    assert one.message.en.startswith("Not allowed with build.runner: jenkins")
    assert isinstance(read("ref: head\nbuild: {runner: jenkins, job: a}\n"), Pipeline)
    assert isinstance(read("ref: merge\ntest: {runner: jenkins, job: a}\n"), Pipeline)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ref: main\n", "Expected one of: head, merge."),
        ("deploy: {health: {protocol: udp}}\n", "Expected one of: http, tcp."),
        ("version: 2\n", "Expected 1, the only version of this format."),
    ],
)
def test_the_known_values_of_a_key_are_named(text: str, expected: str) -> None:
    found = read(text)
    assert isinstance(found, ConfigBroken)
    assert [one.message.en for one in found.problems] == [expected]
