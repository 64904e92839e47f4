"""Further hostnames of containers."""

import pytest

from bot.model.pipeline import Pipeline
from bot.model.views import ConfigBroken
from bot.pipeline.config_file import read
from tests.pipeline.compose.reading import COMMANDS


def problems(text: str) -> list[tuple[str, str]]:
    found = read(text.encode(), file=".chatops.yml", ref="master", known_commands=COMMANDS)
    assert isinstance(found, Pipeline | ConfigBroken)
    return [(one.where, one.message.en) for one in found.problems] if isinstance(found, ConfigBroken) else []


TAKEN = "Another container has this hostname."


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("deploy: {aliases: [web, web_1]}\nservices: {db: {image: d, aliases: [db.internal]}}\n", []),
        ("deploy: {aliases: [db]}\nservices: {db: {image: d}}\n", [("deploy.aliases.1", TAKEN)]),
        (
            "deploy: {aliases: [x]}\nservices: {db: {image: d, aliases: [x]}}\n",
            [("services.db.aliases.1", TAKEN)],
        ),
        ("deploy: {aliases: [a, a]}\n", [("deploy.aliases.2", TAKEN)]),
        (
            "deploy: {aliases: [app]}\n",
            [("deploy.aliases.1", "This name is reserved for the bot; choose another.")],
        ),
        ("deploy: {aliases: {a: b}}\n", [("deploy.aliases", "Expected a list such as [a, b].")]),
        ("deploy: {aliases: [[a]]}\n", [("deploy.aliases.1", 'Expected text; write "" for empty text.')]),
        (
            "deploy: {aliases: [a_b, c], runner: kubernetes}\n",
            [("deploy.aliases.1", "Kubernetes has only hostnames of lowercase letters, digits and hyphens.")],
        ),
    ],
)
def test_each_hostname_belongs_to_one_container(text: str, expected: list[tuple[str, str]]) -> None:
    assert problems(text) == expected
