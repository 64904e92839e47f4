"""Checks of `deploy.setup`: its commands, and what they have to run in."""

from collections.abc import Iterator

from bot.model.pipeline import RunnerName
from bot.model.text import Text
from bot.pipeline import messages
from bot.pipeline.image_checks import is_off
from bot.pipeline.yaml_tree import Path, Tree, section

LONGEST = 2000
"""Characters of a command."""


def command(text: str) -> Text | None:
    """Check a command."""
    if len(text) > LONGEST:
        return messages.LONG_VALUE
    return None if text.strip() else messages.EMPTY


def check_combinations(tree: Tree) -> Iterator[tuple[Path, Text]]:
    """Yield a setup that has nothing to run in, or that something else of the deployment has to do."""
    deploy = section(tree, "deploy")
    if not deploy.get("setup"):
        return
    if is_off(deploy.get("enabled")):
        yield ("deploy", "setup"), messages.NOTHING_TO_SET_UP
    elif deploy.get("runner") == RunnerName.JENKINS:
        yield ("deploy", "setup"), messages.SETUP_OF_JOB
    elif deploy.get("chart") or deploy.get("manifests"):
        yield ("deploy", "setup"), messages.SETUP_OF_CHART
