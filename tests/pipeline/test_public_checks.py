"""`services.NAME.public` of `.chatops.yml`: what it means, and what is wrong with it, by line and column."""

import pytest

from bot.model.pipeline import Pipeline
from tests.pipeline.test_image_checks import pipeline, problems

IMAGE = "image: a, port: 80"
KEY = "services.api.public"


@pytest.mark.parametrize(
    ("written", "meant"),
    [("true", True), ("false", False), ("/api", "/api"), ("/a/b.c~d-e_f", "/a/b.c~d-e_f"), ("'true'", True)],
)
def test_a_switch_or_a_path_makes_a_service_public(written: str, meant: bool | str) -> None:  # noqa: FBT001 - a value of the file
    found: Pipeline = pipeline(f"services: {{api: {{{IMAGE}, public: {written}}}}}\n")
    assert found.services["api"].public == meant


@pytest.mark.parametrize(
    "written",
    [
        "yes",
        "api",
        "/",
        "/api/",
        "//api",
        "/a//b",
        "/../a",
        "/a/./b",
        "'/a?b'",
        "'/a b'",
        "/%61",
        "''",
        f"/{'a' * 61}",
        "/名",
    ],
)
def test_another_text_is_refused(written: str) -> None:
    (found,) = problems(f"services:\n  api: {{{IMAGE}, public: {written}}}\n")
    assert found[:3] == (2, 37, KEY)
    assert found[3].startswith("Expected true, false or the URL path")


@pytest.mark.parametrize(
    ("service", "deploy", "message"),
    [
        ("image: a", "{}", "public requires port."),
        (IMAGE, "{runner: jenkins, job: x}", "Not allowed with runner: jenkins; the job decides"),
        (IMAGE, "{runner: kubernetes, chart: chart}", "Not allowed beside chart or manifests"),
        (IMAGE, "{runner: kubernetes, manifests: k8s}", "Not allowed beside chart or manifests"),
    ],
)
def test_what_cannot_be_reached_is_not_public(service: str, deploy: str, message: str) -> None:
    for public in ("true", "/api"):
        text = f"services: {{api: {{{service}, public: {public}}}}}\ndeploy: {deploy}\n"
        (found,) = problems(text)
        assert (found[0], found[2]) == (1, KEY)
        assert found[3].startswith(message), found
        assert pipeline(text.replace(f"public: {public}", "public: false")).services


def test_a_path_belongs_to_one_service() -> None:
    text = f"services:\n  api: {{{IMAGE}, public: /a}}\n  web: {{{IMAGE}, public: /a}}\n"
    (found,) = problems(text)
    assert found[:4] == (3, 29, "services.web.public", "Another service has this path.")
    assert len(pipeline(text.replace("/a", "true")).services) == 2


def test_a_type_error_is_not_reported_twice() -> None:
    (found,) = problems(f"services: {{api: {{{IMAGE}, public: [a]}}}}\n")
    assert found[2] == KEY
