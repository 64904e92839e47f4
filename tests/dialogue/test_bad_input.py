"""Mistakes in `.chatops.yml` are answered with their place, what was expected and the nearest right word."""

import re
from html import unescape

import pytest

from tests.dialogue.offline import OfflineTester

IMAGES = "images: {frontend: {context: web}, api: {context: api}}\n"
MISTAKES = {
    "an unknown key": (
        "deploy:\n  prot: 8080\n",
        "Line 2, column 3, `deploy.prot`: Unknown key",
        "did you mean `port`?",
    ),
    "a wrong type": (
        "deploy:\n  port: eighty\n",
        "Line 2, column 9, `deploy.port`: Expected a whole number",
    ),
    "a list in place of names": (
        "deploy:\n  env: [DEBUG]\n",
        "Line 2, column 8, `deploy.env`: Expected keys with values",
    ),
    "a Chinese colon": (
        "build：\n  target: prod\n",
        "Line 1, column 6: This is a full-width colon ： (Chinese input). Write : and a space",
    ),
    "a Chinese colon before a value": (
        "deploy:\n  port：8080\n",
        "Line 2, column 7, `deploy`: This is a full-width colon ： (Chinese input)",
    ),
    "a place in a list, counted from 1": (
        "on:\n  open: [build, deploi]\n",
        "Line 2, column 17, `on.open.2`: Unknown command",
        "did you mean `deploy`?",
    ),
    "nothing in a list": (
        "deploy:\n  setup: [migrate, '']\n",
        "Line 2, column 20, `deploy.setup.2`: Must not be empty",
    ),
    "a cycle": (
        "services:\n  a: {image: x, depends_on: [b]}\n  b: {image: y, depends_on: [a]}\n",
        "Line 2, column 30, `services.a.depends_on.1`: These services wait for each other: a → b → a",
    ),
    "a service that is not there": (
        "services:\n  web: {image: x, depends_on: [databse]}\n  database: {image: y}\n",
        "Line 2, column 32, `services.web.depends_on.1`: There is no such service. Others: database",
        "did you mean `database`?",
    ),
    "an image that is not built": (
        f"{IMAGES}deploy: {{image: fronted}}\n",
        "Line 2, column 17, `deploy.image`: Expected one of: frontend, api",
        "did you mean `frontend`?",
    ),
    "tests of an image that is not built": (
        f"{IMAGES}deploy: {{image: api}}\ntest: {{image: fronted}}\n",
        "Line 3, column 15, `test.image`: Expected one of: frontend, api",
        "did you mean `frontend`?",
    ),
    "no choice among images": (
        IMAGES,
        "Line 1, column 1, `images`: With several images, deploy.image must name the one",
    ),
    "build beside images": (
        f"{IMAGES}deploy: {{image: api}}\nbuild: {{target: prod}}\n",
        "Line 3, column 1, `build`: Not allowed beside images: make it an entry there",
    ),
    "manifests beside a chart": (
        "deploy: {runner: kubernetes, manifests: k8s, chart: chart}\n",
        "Line 1, column 30, `deploy.manifests`: A deployment has either chart or manifests; remove one",
    ),
}
"""A file, and what the comment says about it."""


@pytest.mark.parametrize("name", MISTAKES)
async def test_a_mistake_is_answered_with_its_place_and_starts_nothing(
    tester: OfflineTester, name: str
) -> None:
    text, *words = MISTAKES[name]
    await tester.configure(text)

    said = shown(await tester.opened())

    assert "has 1 error" in said
    for one in words:
        assert one in said
    assert words[0] in shown(await tester.says("/deploy"))
    assert await tester.runs() == []
    assert tester.world.deployed == {}
    assert tester.world.built == []


def shown(comment: str) -> str:
    """Return what people see: entities and zero-width spaces only keep text from being Markdown."""
    return re.sub("\u200b", "", unescape(comment))
