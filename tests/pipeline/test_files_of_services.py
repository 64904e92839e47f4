"""`services.NAME.files` in `.chatops.yml`: what is refused, and where."""

import pytest

from bot.model.pipeline import Pipeline
from bot.model.views import ConfigBroken
from bot.pipeline.config_file import read

START = "services:\n  db:\n    image: postgres:16\n    files:\n"


def problem(text: str) -> tuple[int, int, str, str]:
    found = read(text.encode(), file="f", ref="master", known_commands=frozenset())
    assert isinstance(found, ConfigBroken), found
    (only,) = found.problems
    return only.line, only.column, only.where, only.message.en


def test_files_and_folders_of_the_commit() -> None:
    text = f"{START}      /docker-entrypoint-initdb.d: db/init\n      /etc/db/my.cnf: ./db/my.cnf\n"
    found = read(text.encode(), file="f", ref="master", known_commands=frozenset())
    assert isinstance(found, Pipeline)
    assert found.services["db"].files == {
        "/docker-entrypoint-initdb.d": "db/init",
        "/etc/db/my.cnf": "./db/my.cnf",
    }


@pytest.mark.attack
@pytest.mark.parametrize(
    "path", ["../x", "a/../../x", "/etc/passwd", '"a\\\\b"', "c:/x", "-x", '""', '"a\\0b"']
)
def test_paths_stay_in_the_repository(path: str) -> None:
    line, column, where, said = problem(f"{START}      /x: {path}\n")
    assert (line, column, where) == (5, 11, "services.db.files./x")
    assert said.startswith(("Expected a path in the repository: relative", "Must not contain the NUL"))


@pytest.mark.attack
@pytest.mark.parametrize(
    "target",
    [
        "/",
        "//x",
        "/x/",
        "/a/../b",
        "/a/./b",
        "/a b",
        '"/a\\nb"',
        "/proc/1",
        "/sys",
        "/dev/x",
        "/run/secrets/k",
        "/tmp",
        "/tmp/x",
        "/a:b",
        f"/{'a' * 101}",
    ],
)
def test_targets_are_plain_paths_that_nothing_hides(target: str) -> None:
    line, column, _, said = problem(f"{START}      {target}: db\n")
    assert (line, column) == (5, 7)
    assert said.startswith("Expected a path in the container, such as")


def test_the_wrong_order_is_named() -> None:
    text = f"{START}      db/init: /docker-entrypoint-initdb.d\n"
    found = read(text.encode(), file="f", ref="master", known_commands=frozenset())
    assert isinstance(found, ConfigBroken)
    assert found.problems[0].message.en.startswith("The path in the container comes first")


@pytest.mark.attack
def test_there_are_not_many() -> None:
    rows = "".join(f"      /x{number}: a\n" for number in range(21))
    assert problem(START + rows)[2:] == ("services.db.files", "At most 20 entries are allowed.")


@pytest.mark.parametrize(
    ("rest", "words"),
    [
        ("deploy: {runner: kubernetes, chart: c, port: 1}\n", "Not allowed beside chart, manifests or a job"),
        ("deploy: {runner: kubernetes, manifests: m, port: 1}\n", "Not allowed beside chart, manifests"),
        ("deploy: {runner: jenkins, job: x}\n", "Not allowed beside chart, manifests or a job"),
    ],
)
def test_what_brings_its_own_files_is_refused(rest: str, words: str) -> None:
    found = problem(f"{START}      /x: db\n{rest}")
    assert found[:3] == (4, 5, "services.db.files")
    assert found[3].startswith(words)


def test_a_built_image_has_files_of_its_own() -> None:
    text = "images: {web: {}, api: {}}\ndeploy: {image: web}\nservices:\n  x: {image: api, files: {/x: db}}\n"
    assert problem(text) == (
        4,
        19,
        "services.x.files",
        "This image is built here: name the files under images.NAME.files.",
    )
