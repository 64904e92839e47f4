"""`images` of `.chatops.yml`: what they mean, and what is wrong with them, by line and column."""

import pytest

from bot.model.pipeline import BuildConfig, Pipeline
from bot.model.views import ConfigBroken
from bot.pipeline.compose.project import FilesNeeded
from bot.pipeline.config_file import read

TWO = "images:\n  web: {context: web}\n  api: {target: prod}\n"
CHOSEN = TWO + "deploy: {image: web}\n"


def reading(text: str) -> Pipeline | ConfigBroken | FilesNeeded:
    return read(text.encode(), file=".chatops.yml", ref="master", known_commands=frozenset(OWN))


OWN = ("build", "deploy", "test", "teardown")


def pipeline(text: str) -> Pipeline:
    found = reading(text)
    assert isinstance(found, Pipeline), found
    return found


def problems(text: str) -> list[tuple[int, int, str, str, str]]:
    found = reading(text)
    assert isinstance(found, ConfigBroken), found
    return [(one.line, one.column, one.where, one.message.en, one.suggestion) for one in found.problems]


def test_a_file_without_images_builds_one_without_a_name() -> None:
    plain = pipeline("build: {target: prod}\n")
    assert dict(plain.builds) == {"": BuildConfig(target="prod")}
    assert (plain.served, plain.tested) == ("", "")


def test_images_have_the_keys_of_a_build_by_their_names() -> None:
    found = pipeline(CHOSEN + "test: {image: api}\n")
    assert dict(found.builds) == {"web": BuildConfig(context="web"), "api": BuildConfig(target="prod")}
    assert (found.served, found.tested) == ("web", "api")


def test_tests_are_in_the_image_that_is_deployed() -> None:
    assert pipeline(TWO + "deploy: {image: api}\n").tested == "api"


@pytest.mark.parametrize("text", ["images: {web: }\n", "images: {web: {context: web}}\nservices: {}\n"])
def test_the_only_image_need_not_be_chosen(text: str) -> None:
    assert pipeline(text).served == "web"


@pytest.mark.parametrize("off", ["false", "No", "off"])
def test_an_image_need_not_be_chosen_where_nothing_is_deployed(off: str) -> None:
    assert pipeline(f"{TWO}deploy: {{enabled: {off}}}\n").served == "web"


def test_a_service_may_name_an_image_or_run_any_other() -> None:
    services = "services: {worker: {image: api}, near: {image: apu}, db: {image: 'postgres:16'}}\n"
    assert set(pipeline(CHOSEN + services).services) == {"worker", "near", "db"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            TWO,
            (
                1,
                1,
                "images",
                "With several images, deploy.image must name the one that the service runs.",
                "",
            ),
        ),
        (
            "build: {inline: FROM a, dockerfile: b}\n",
            (1, 25, "build.dockerfile", "An image has either inline or dockerfile; remove one.", ""),
        ),
        (
            CHOSEN + "build: {}\n",
            (5, 1, "build", "Not allowed beside images: make it an entry there.", ""),
        ),
        (
            TWO.replace("web:", "frontend:") + "deploy:\n  image: fronted\n",
            (5, 10, "deploy.image", "Expected one of: frontend, api.", "frontend"),
        ),
        (CHOSEN + "test: {image: e2e}\n", (5, 15, "test.image", "Expected one of: web, api.", "")),
        ("deploy: {image: web}\n", (1, 17, "deploy.image", "This file has no images.", "")),
        ("images: [web, api]\n", (1, 9, "images", "Expected keys with values.", "")),
        ("images: {web: here}\n", (1, 15, "images.web", "Expected keys with values.", "")),
        (
            CHOSEN.replace("target", "job"),
            (
                *(3, 9, "images.api.job"),
                *("Not allowed in images: a Jenkins job builds a single image, under build.", ""),
            ),
        ),
        (
            CHOSEN.replace("target: prod", "runner: jenkins"),
            (
                *(3, 17, "images.api.runner"),
                *("Not allowed in images: a Jenkins job builds a single image, under build.", ""),
            ),
        ),
        (
            CHOSEN.replace("target: prod", "runner: kubernetes"),
            (3, 17, "images.api.runner", "The same runner must build all images.", ""),
        ),
        (
            CHOSEN.replace("target: prod", "timeout: 0"),
            (3, 18, "images.api.timeout", "Expected a number from 1 to 7200.", ""),
        ),
    ],
)
def test_what_is_wrong_is_told_where_it_is(text: str, expected: tuple[int, int, str, str, str]) -> None:
    assert problems(text) == [expected]


def test_a_misspelled_key_gets_the_nearest_one() -> None:
    (found,) = problems(CHOSEN.replace("target", "targt"))
    assert found[:3] == (3, 9, "images.api.targt")
    assert "dockerfile, context, target" in found[3]
    assert found[4] == "target"


@pytest.mark.attack
@pytest.mark.parametrize(
    "name",
    ["..", "../other", "a/b", "Web", "-web", "web-", "a.b", "a_b", "web:1", "web@sha256", "w" * 41, ""],
)
def test_the_name_of_an_image_cannot_leave_its_repository_in_the_registry(name: str) -> None:
    (found,) = problems(f"images: {{'{name}': {{}}}}\n")
    assert found[:2] == (1, 10)
    assert "up to 40 lowercase letters, digits and hyphens" in found[3]


@pytest.mark.attack
@pytest.mark.parametrize("count", [11, 3_000])
def test_a_file_builds_at_most_ten_images(count: int) -> None:
    names = "".join(f"  i{index}:\n" for index in range(count))
    found = problems(f"images:\n{names}deploy: {{image: i0}}\n")
    assert found == [(2, 3, "images", "At most 10 entries are allowed.", "")]


@pytest.mark.attack
@pytest.mark.parametrize("value", ["../../etc", "/etc", "C:\\windows", "a\x00b".replace("\x00", "\\0")])
def test_a_path_of_an_image_stays_in_the_commit(value: str) -> None:
    (found,) = problems(f'images: {{web: {{context: "{value}"}}}}\n'.replace("C:\\", "C:\\\\"))
    assert found[2] == "images.web.context"
