"""What a repository without the configured Dockerfile could build."""

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from bot.core.deciding.build_places import (
    BuildPlace,
    compose_files,
    compose_setting,
    dockerfiles,
    place,
)
from bot.model.pipeline import Pipeline
from bot.pipeline import config_file


def configured(found: BuildPlace) -> Any:
    """Return the configuration that the advice leads to."""
    read = config_file.read(
        f"version: 1\n{found.setting}\n".encode(), file="f", ref="r", known_commands=frozenset()
    )
    assert isinstance(read, Pipeline)
    return read.build


@pytest.mark.parametrize(
    ("files", "found"),
    [
        ((), ()),
        (("README.md", "src/dockerfile.py", "docker/compose.yml", "Dockerfile.md"), ()),
        (("app/Dockerfile", "app/requirements.txt"), ("app/Dockerfile",)),
        (("web/Dockerfile", "api/Dockerfile"), ("api/Dockerfile", "web/Dockerfile")),
        (("a/b/Dockerfile", "z/Dockerfile"), ("z/Dockerfile", "a/b/Dockerfile")),
        (("Dockerfile.prod", "dockerfile"), ("Dockerfile.prod", "dockerfile")),
        (("app/Dockerfile.dev", "app/Dockerfile"), ("app/Dockerfile", "app/Dockerfile.dev")),
        (("api.Dockerfile", "Containerfile", "x/.dockerignore", "Dockerfile.dockerignore"),
         ("Containerfile", "api.Dockerfile")),
        ((".devcontainer/Dockerfile", "tests/Dockerfile", "deep/er/app/Dockerfile"),
         ("deep/er/app/Dockerfile", ".devcontainer/Dockerfile", "tests/Dockerfile")),
        (tuple(f"{name}/Dockerfile" for name in "fedcba"),
         tuple(f"{name}/Dockerfile" for name in "abcde")),
        ((f"{'a' * 200}/Dockerfile",), ()),
    ],
)  # fmt: skip
def test_the_most_likely_dockerfile_comes_first(files: tuple[str, ...], found: tuple[str, ...]) -> None:
    assert dockerfiles(files) == found


def test_compose_files_are_found() -> None:
    files = (
        "x/compose.yaml",
        "docker-compose.prod.yml",
        "docker-compose.yml",
        "compose.yml.md",
        "decompose.yml",
    )
    assert compose_files(files) == ("docker-compose.prod.yml", "docker-compose.yml", "x/compose.yaml")


IN_APP = "app/Dockerfile"
APP = ("app/Dockerfile", "app/requirements.txt", "app/src/main.py", "README.md")
DOCKER = "docker/Dockerfile"
SHARED = ("docker/Dockerfile", "package.json", "src/index.js")


@pytest.mark.parametrize(
    ("path", "text", "files", "context", "dockerfile"),
    [
        (IN_APP, "FROM a\nCOPY requirements.txt /app\nCOPY src/ /app\n", APP, "app", "Dockerfile"),
        (IN_APP, "FROM a\nCOPY . .\n", APP, "app", "Dockerfile"),
        (IN_APP, "FROM a\nCOPY app/src /app\n", APP, ".", "app/Dockerfile"),
        (IN_APP, "FROM a\nCOPY ./app/*.txt README* /app/\n", APP, ".", "app/Dockerfile"),
        (IN_APP, "FROM a\nCOPY nowhere /app\n", APP, "app", "Dockerfile"),
        (DOCKER, "FROM a\nCOPY package*.json ./\nCOPY src src\n", SHARED, ".", "docker/Dockerfile"),
        (DOCKER, 'FROM a\nCOPY ["package.json", "/"]\n', SHARED, ".", "docker/Dockerfile"),
        (DOCKER, "FROM a\nCOPY --chown=1:1 --link src /\n", SHARED, ".", "docker/Dockerfile"),
        (DOCKER, "FROM a\nCOPY --from=b /src /\nADD https://a.b/c /\n", SHARED, "docker", "Dockerfile"),
        (DOCKER, "FROM a\nCOPY $SOURCE /\nCOPY <<E /x\nhi\nE\n", SHARED, "docker", "Dockerfile"),
        (DOCKER, 'FROM a\nCOPY ["broken\nCOPY [1, 2]\nCOPY\n', SHARED, "docker", "Dockerfile"),
        ("svc/api/Dockerfile", "FROM a\nCOPY go.mod .\n", ("svc/go.mod",), "svc", "api/Dockerfile"),
        ("Dockerfile.prod", "FROM a\nCOPY x .\n", ("x",), ".", "Dockerfile.prod"),
        ("my app/Docker: file", "FROM a\nCOPY x .\n", ("my app/x",), "my app", "Docker: file"),
    ],
)  # fmt: skip
def test_a_dockerfile_is_built_where_its_files_are(
    path: str, text: str, files: tuple[str, ...], context: str, dockerfile: str
) -> None:
    found = place(path, text, files)
    assert (found.context, found.dockerfile) == (context, dockerfile)
    if ":" not in path:
        assert (configured(found).context, configured(found).dockerfile) == (context, dockerfile)


@pytest.mark.parametrize(
    ("found", "setting"),
    [
        (BuildPlace("app", "Dockerfile"), "build: {context: app}"),
        (BuildPlace(".", "Dockerfile.prod"), "build: {dockerfile: Dockerfile.prod}"),
        (BuildPlace("app", "x.Dockerfile"), "build: {context: app, dockerfile: x.Dockerfile}"),
        (BuildPlace("店 铺", "Dockerfile"), 'build: {context: "店 铺"}'),
    ],
)
def test_the_setting_is_one_line(found: BuildPlace, setting: str) -> None:
    assert found.setting == setting


@pytest.mark.attack
@given(st.text(max_size=60), st.text(max_size=60))
def test_no_name_breaks_out_of_its_setting(context: str, dockerfile: str) -> None:
    setting = BuildPlace(context, dockerfile).setting
    assert "\n" not in setting
    read = yaml.safe_load(setting)["build"]
    assert read.get("context", ".") == context
    assert read.get("dockerfile", "Dockerfile") == dockerfile


def test_the_setting_for_a_compose_file_is_valid_yaml() -> None:
    assert compose_setting("deploy/compose.yaml") == "deploy: {compose: deploy/compose.yaml}"
    assert yaml.safe_load(compose_setting('a: "b')) == {"deploy": {"compose": 'a: "b'}}
